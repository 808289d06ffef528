#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connector/api/schema.h"

namespace kms::api {

/// The violations of one request, in AWS's wording (spec/kms_behaviour.md, e5): collected, then
/// thrown as one.
class Violations {
 public:
  /// AWS's front end collects no more than this.
  static constexpr std::size_t kMost = 10;

  /// A required member is missing or null.
  void missing(const Shape& shape, std::string_view path);
  /// `value` is echoed, unless the shape is confidential or a blob.
  void add(const Shape& shape, std::string_view path, std::string_view value,
           std::string_view rule);
  /// Throws the ValidationException if there are any.
  void raise_if_any() const;

 private:
  void push(std::string_view value, std::string_view path, std::string_view rule);

  std::vector<std::string> texts_;
};

/// The rules of a shape as AWS words them.
std::string length_at_least(std::int32_t n);
std::string length_at_most(std::int32_t n);
std::string value_at_least(std::int32_t n);
std::string value_at_most(std::int32_t n);
std::string satisfies_pattern(const Pattern& pattern);
std::string satisfies_enum(const Shape& shape);
/// All rules of a list's element together.
std::string satisfies_element_rules(const Shape& element);

}  // namespace kms::api
