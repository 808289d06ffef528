#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/base/bytes.h"

// AWS's Query protocol: form parameters in, XML out.
namespace kms::sts {

/// The parameters of a request.
class Parameters {
 public:
  /// Reads application/x-www-form-urlencoded; nullopt if it is not that, no UTF-8, or too much.
  static std::optional<Parameters> parse(std::string_view form);

  /// Null if it was not sent; an empty value is one.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  /// Whether anything was sent under the name: a value, a list or a structure.
  [[nodiscard]] bool has(std::string_view name) const;
  /// "NAME.member.1", "NAME.member.2", ... up to the first that was not sent.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  /// The same for structures with these two members; an absent member is empty.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs(
      std::string_view name, std::string_view first, std::string_view second) const;
  /// Whether something was sent under the name that is none of the list's first `count` members:
  /// behind a gap, or numbered otherwise.
  [[nodiscard]] bool has_beyond(std::string_view name, std::size_t count) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// Writes XML into memory that is wiped, for the secrets in it.
class Xml {
 public:
  void open(std::string_view tag, std::string_view xml_namespace = {});
  void close(std::string_view tag);
  /// <tag>text</tag>; characters that XML cannot hold become U+FFFD.
  void element(std::string_view tag, std::string_view text);
  [[nodiscard]] SecretBytes take() && { return std::move(out_); }

 private:
  SecretBytes out_;
};

}  // namespace kms::sts
