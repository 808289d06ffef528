#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The pieces that a canonical request is made of.
namespace kms::auth {

/// The path (without query): consecutive slashes and dot segments removed, each byte that is not
/// unreserved percent-encoded once more than it was sent.
std::string canonical_uri(std::string_view path);
/// The query (without "?"): names and values in RFC 3986's encoding, sorted by name, then value.
std::string canonical_query(std::string_view query);

/// The names of a SignedHeaders list in canonical order: in lower case, sorted, each once.
class SignedHeaders {
 public:
  explicit SignedHeaders(std::string_view list);
  SignedHeaders(const SignedHeaders&) = delete;
  SignedHeaders& operator=(const SignedHeaders&) = delete;

  /// Which of the names a header's is, in upper or lower case; size() if none.
  [[nodiscard]] std::size_t find(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != size(); }
  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] auto begin() const noexcept { return names_.begin(); }
  [[nodiscard]] auto end() const noexcept { return names_.end(); }

 private:
  std::string list_;
  std::vector<std::string_view> names_;  // into the list
};

/// Path and query of a request target in origin or absolute form.
struct Target {
  std::string_view path;
  std::string_view query;
};
Target split_target(std::string_view uri);
/// Whether the query names a parameter so, once decoded.
bool has_parameter(std::string_view query, std::string_view name);

}  // namespace kms::auth
