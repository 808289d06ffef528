#include "connector/sts/members.h"

#include <charconv>

#include "connector/api/utf8.h"
#include "connector/sts/error.h"

namespace kms::sts {
namespace {

constexpr api::Shape kShape{.kind = api::Kind::string};

bool all_allowed(std::string_view text, bool (*allows)(char32_t)) {
  while (!text.empty()) {
    if (!allows(api::take_code_point(text))) return false;
  }
  return true;
}

}  // namespace

std::string lower_camel_case(std::string_view name) {
  std::string lower(name);
  if (!lower.empty() && lower[0] >= 'A' && lower[0] <= 'Z') {
    lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
  }
  return lower;
}

std::string Members::required(std::string_view name, const TextRule& rule) {
  auto value = text(name, rule);
  if (!value) violations_.missing(kShape, lower_camel_case(name));
  return std::move(value).value_or("");
}

std::optional<std::string> Members::text(std::string_view name, const TextRule& rule) {
  const std::string* const value = parameters_.find(name);
  if (value == nullptr) return std::nullopt;
  check(lower_camel_case(name), *value, rule);
  return *value;
}

std::optional<std::int32_t> Members::integer(std::string_view name, std::int32_t min,
                                             std::int32_t max) {
  const std::string* const value = parameters_.find(name);
  if (value == nullptr) return std::nullopt;
  std::int32_t number = 0;
  const char* const end = value->data() + value->size();
  const auto [stopped, fault] = std::from_chars(value->data(), end, number);
  if (fault != std::errc{} || stopped != end) {
    throw Error(ErrorCode::malformed_input,
                "The value of " + std::string(name) + " is not a 32-bit integer");
  }
  if (number < min)
    violations_.add(kShape, lower_camel_case(name), *value, api::value_at_least(min));
  if (number > max)
    violations_.add(kShape, lower_camel_case(name), *value, api::value_at_most(max));
  return number;
}

void Members::check(std::string_view path, std::string_view value, const TextRule& rule) {
  if (rule.allows != nullptr && !all_allowed(value, rule.allows)) {
    violations_.add(kShape, path, value,
                    "Member must satisfy regular expression pattern: " + std::string(rule.pattern));
  }
  const std::size_t length = api::count_code_points(value).value_or(0);
  if (length > rule.max) {
    violations_.add(kShape, path, value, api::length_at_most(static_cast<std::int32_t>(rule.max)));
  }
  if (length < rule.min) {
    violations_.add(kShape, path, value, api::length_at_least(static_cast<std::int32_t>(rule.min)));
  }
}

void Members::check_count(std::string_view path, std::size_t count, std::size_t max) {
  if (count <= max) return;
  violations_.add(kShape, path, "(" + std::to_string(count) + " members)",
                  api::length_at_most(static_cast<std::int32_t>(max)));
}

void refuse_gaps(const Parameters& parameters, std::string_view name, std::size_t count) {
  if (!parameters.has_beyond(name, count)) return;
  throw Error(ErrorCode::validation_error,
              "The members of " + std::string(name) + " must be numbered from 1 without gaps.");
}

void refuse_members(const Parameters& parameters, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (!parameters.has(name)) continue;
    throw Error(ErrorCode::validation_error,
                "The parameter " + std::string(name) + " is not supported by this release.");
  }
}

}  // namespace kms::sts
