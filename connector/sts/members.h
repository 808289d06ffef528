#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "connector/api/violations.h"
#include "connector/sts/query.h"

namespace kms::sts {

/// What a text must be, as the model of STS says it.
struct TextRule {
  std::size_t min = 0;
  std::size_t max = 0;
  std::string_view pattern{};          // as a violation prints it; empty: none
  bool (*allows)(char32_t) = nullptr;  // the characters of the pattern
};

/// Takes the members of a request out of its parameters; what is wrong with them is told in one
/// message.
class Members {
 public:
  explicit Members(const Parameters& parameters) : parameters_(parameters) {}

  [[nodiscard]] std::string required(std::string_view name, const TextRule& rule);
  [[nodiscard]] std::optional<std::string> text(std::string_view name, const TextRule& rule);
  [[nodiscard]] std::optional<std::int32_t> integer(std::string_view name, std::int32_t min,
                                                    std::int32_t max);
  /// One text by its path ("tags.1.member.key").
  void check(std::string_view path, std::string_view value, const TextRule& rule);
  void check_count(std::string_view path, std::size_t count, std::size_t max);
  /// Throws ValidationException if anything was wrong.
  void raise_if_any() const { violations_.raise_if_any(); }

 private:
  const Parameters& parameters_;
  api::Violations violations_;
};

/// "RoleArn" is "roleArn" in violations and audit records.
[[nodiscard]] std::string lower_camel_case(std::string_view name);
/// Refuses a list of which only the first `count` members can be read: to ignore the others would
/// do less than was asked for.
void refuse_gaps(const Parameters& parameters, std::string_view name, std::size_t count);
/// Refuses members that are not supported here; to ignore them would grant more than was asked for.
void refuse_members(const Parameters& parameters, std::initializer_list<std::string_view> names);

}  // namespace kms::sts
