#pragma once

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

/// The names of a SignedHeaders list in canonical order: sorted, each once, upper and lower case
/// being the same. Views into the list.
class SignedHeaders {
 public:
  explicit SignedHeaders(std::string_view list);
  [[nodiscard]] bool contains(std::string_view name) const;
  [[nodiscard]] auto begin() const noexcept { return names_.begin(); }
  [[nodiscard]] auto end() const noexcept { return names_.end(); }

 private:
  std::vector<std::string_view> names_;
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
