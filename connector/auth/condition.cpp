#include "connector/auth/condition.h"

#include <algorithm>
#include <array>
#include <optional>

#include "connector/auth/condition_values.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

/// Before a character that is no wildcard; policies cannot contain it.
constexpr char kLiteral = '\x01';
/// A caller chooses what many variables stand for, and a policy how often they are named.
constexpr std::size_t kLongestFilled = std::size_t{16} * 1024;

struct OperatorRow {
  std::string_view name;
  Comparison comparison;
  bool negated = false;
};

constexpr std::array<OperatorRow, 28> kOperators{{
    {"StringEquals", Comparison::string_equals},
    {"StringNotEquals", Comparison::string_equals, true},
    {"StringEqualsIgnoreCase", Comparison::string_equals_ignore_case},
    {"StringNotEqualsIgnoreCase", Comparison::string_equals_ignore_case, true},
    {"StringLike", Comparison::string_like},
    {"StringNotLike", Comparison::string_like, true},
    {"NumericEquals", Comparison::numeric_equals},
    {"NumericNotEquals", Comparison::numeric_equals, true},
    {"NumericLessThan", Comparison::numeric_less},
    {"NumericLessThanEquals", Comparison::numeric_less_equals},
    {"NumericGreaterThan", Comparison::numeric_greater},
    {"NumericGreaterThanEquals", Comparison::numeric_greater_equals},
    {"DateEquals", Comparison::date_equals},
    {"DateNotEquals", Comparison::date_equals, true},
    {"DateLessThan", Comparison::date_less},
    {"DateLessThanEquals", Comparison::date_less_equals},
    {"DateGreaterThan", Comparison::date_greater},
    {"DateGreaterThanEquals", Comparison::date_greater_equals},
    {"Bool", Comparison::boolean},
    {"BoolNotEquals", Comparison::boolean, true},
    {"BinaryEquals", Comparison::binary_equals},
    {"IpAddress", Comparison::ip_address},
    {"NotIpAddress", Comparison::ip_address, true},
    {"ArnEquals", Comparison::arn_like},
    {"ArnLike", Comparison::arn_like},
    {"ArnNotEquals", Comparison::arn_like, true},
    {"ArnNotLike", Comparison::arn_like, true},
    {"Null", Comparison::null},
}};

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool remove_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// Each of the six parts by itself: a wildcard does not reach over a colon but in the last. "*"
/// alone is any ARN.
bool arn_like(std::string_view pattern, std::string_view arn) {
  if (pattern == "*") pattern = "arn:*:*:*:*:*";
  constexpr int kColons = 5;
  for (int part = 0; part < kColons; ++part) {
    const auto a = pattern.find(':');
    const auto b = arn.find(':');
    if (a == std::string_view::npos || b == std::string_view::npos) return false;
    if (!like(pattern.substr(0, a), arn.substr(0, b))) return false;
    pattern.remove_prefix(a + 1);
    arn.remove_prefix(b + 1);
  }
  return like(pattern, arn);
}

template <class T, class Compare>
bool compare(const std::optional<T>& given, const std::optional<T>& wanted, Compare holds) {
  return given && wanted && holds(*given, *wanted);
}

bool matches_number(Comparison comparison, std::optional<double> given,
                    std::optional<double> wanted) {
  switch (comparison) {
    case Comparison::numeric_equals:
    case Comparison::date_equals:
      return compare(given, wanted, std::equal_to<>());
    case Comparison::numeric_less:
    case Comparison::date_less:
      return compare(given, wanted, std::less<>());
    case Comparison::numeric_less_equals:
    case Comparison::date_less_equals:
      return compare(given, wanted, std::less_equal<>());
    case Comparison::numeric_greater:
    case Comparison::date_greater:
      return compare(given, wanted, std::greater<>());
    case Comparison::numeric_greater_equals:
    case Comparison::date_greater_equals:
      return compare(given, wanted, std::greater_equal<>());
    default:
      return false;
  }
}

std::string without_marks(std::string text) {
  std::erase(text, kLiteral);
  return text;
}

/// One value of the request against one of the policy, whose variables are filled in.
bool matches(Comparison comparison, const std::string& given, const std::string& wanted) {
  switch (comparison) {
    case Comparison::string_equals:
      return given == wanted;
    case Comparison::string_equals_ignore_case:
      return equal_ignoring_case(given, wanted);
    case Comparison::string_like:
      return like(wanted, given);
    case Comparison::arn_like:
      return arn_like(wanted, given);
    case Comparison::numeric_equals:
    case Comparison::numeric_less:
    case Comparison::numeric_less_equals:
    case Comparison::numeric_greater:
    case Comparison::numeric_greater_equals:
      return matches_number(comparison, number_of(given), number_of(wanted));
    case Comparison::date_equals:
    case Comparison::date_less:
    case Comparison::date_less_equals:
    case Comparison::date_greater:
    case Comparison::date_greater_equals:
      return matches_number(comparison, date_of(given), date_of(wanted));
    case Comparison::boolean:
      return compare(truth_of(given), truth_of(wanted), std::equal_to<>());
    case Comparison::binary_equals:
      return compare(from_base64(given), from_base64(wanted), std::equal_to<>());
    case Comparison::ip_address: {
      const auto host = address_of(given);
      const auto net = network_of(wanted);
      return host && net && in_network(*net, *host);
    }
    case Comparison::null:
      break;
  }
  return false;
}

bool takes_variables(Comparison comparison) {
  return comparison == Comparison::string_equals ||
         comparison == Comparison::string_equals_ignore_case ||
         comparison == Comparison::string_like || comparison == Comparison::arn_like;
}

/// The condition's values with their variables filled in, as matches() takes them, but for those
/// that cannot be filled in: they match nothing.
std::vector<std::string> filled_values(const Condition& condition, const ConditionSource& source) {
  const bool has_wildcards = condition.comparison == Comparison::string_like ||
                             condition.comparison == Comparison::arn_like;
  std::vector<std::string> all;
  for (const std::string& value : condition.values) {
    auto filled = with_variables(value, source);
    if (filled)
      all.push_back(has_wildcards ? *std::move(filled) : without_marks(*std::move(filled)));
  }
  return all;
}

bool holds_for_absent(const Condition& condition) {
  if (condition.if_exists) return true;
  switch (condition.quantifier) {
    case Quantifier::for_all_values:
      return true;
    case Quantifier::for_any_value:
      return false;
    case Quantifier::none:
      return condition.negated;
  }
  return false;
}

/// Behind the character of UTF-8 that is at `at`.
std::size_t end_of_character(std::string_view text, std::size_t at) noexcept {
  do ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U);
  return at;
}

/// Writes `text` so that like() takes each of its characters for itself.
void append_literally(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '*' || c == '?') out.push_back(kLiteral);
    if (c != kLiteral) out.push_back(c);
  }
}

/// A default value, in which two quotes stand for one.
std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    out += text.front();
    text.remove_prefix(text.starts_with("''") ? 2 : 1);
  }
  return out;
}

/// The value of "aws:username" or "aws:PrincipalTag/team, 'none'".
std::optional<std::string> variable(std::string_view expression, const ConditionSource& source) {
  if (expression == "*" || expression == "?" || expression == "$") return std::string(expression);
  std::optional<std::string> fallback;
  if (const auto comma = expression.find(','); comma != std::string_view::npos) {
    std::string_view given = expression.substr(comma + 1);
    given.remove_prefix(std::min(given.find_first_not_of(' '), given.size()));
    if (given.size() >= 2 && given.front() == '\'' && given.back() == '\'') {
      fallback = unescaped(given.substr(1, given.size() - 2));
    }
    expression = expression.substr(0, comma);
  }
  // Keys with several values are no variables.
  const auto values = source.values(ConditionKey(expression));
  return values && values->size() == 1 ? std::optional(values->front()) : fallback;
}

}  // namespace

bool parse_operator(std::string_view name, Condition& condition) {
  condition.quantifier = Quantifier::none;
  if (remove_prefix(name, "ForAllValues:")) {
    condition.quantifier = Quantifier::for_all_values;
  } else if (remove_prefix(name, "ForAnyValue:")) {
    condition.quantifier = Quantifier::for_any_value;
  }
  condition.if_exists = remove_suffix(name, "IfExists");
  const auto* const row = std::ranges::find(kOperators, name, &OperatorRow::name);
  if (row == kOperators.end()) return false;
  condition.comparison = row->comparison;
  condition.negated = row->negated;
  return row->comparison != Comparison::null || !condition.if_exists;
}

bool is_fitting_value(Comparison comparison, std::string_view value) {
  switch (comparison) {
    case Comparison::string_equals:
    case Comparison::string_equals_ignore_case:
    case Comparison::string_like:
    case Comparison::arn_like:
      return true;
    case Comparison::numeric_equals:
    case Comparison::numeric_less:
    case Comparison::numeric_less_equals:
    case Comparison::numeric_greater:
    case Comparison::numeric_greater_equals:
      return number_of(value).has_value();
    case Comparison::date_equals:
    case Comparison::date_less:
    case Comparison::date_less_equals:
    case Comparison::date_greater:
    case Comparison::date_greater_equals:
      return date_of(value).has_value();
    case Comparison::boolean:
    case Comparison::null:
      return truth_of(value).has_value();
    case Comparison::binary_equals:
      return from_base64(value).has_value();
    case Comparison::ip_address:
      return network_of(value).has_value();
  }
  return false;
}

bool holds(const Condition& condition, const ConditionSource& source, bool variables) {
  const auto given = source.values(condition.key);
  const bool absent = !given || given->empty();
  if (condition.comparison == Comparison::null) {
    return std::ranges::any_of(condition.values,
                               [&](const auto& v) { return truth_of(v) == absent; });
  }
  if (absent) return holds_for_absent(condition);
  // Once for all values of the request.
  std::optional<std::vector<std::string>> filled;
  if (variables && takes_variables(condition.comparison) &&
      std::ranges::any_of(condition.values, has_variable)) {
    filled = filled_values(condition, source);
  }
  const auto matches_some = [&](const std::string& value) {
    return std::ranges::any_of(filled ? *filled : condition.values, [&](const std::string& wanted) {
      return matches(condition.comparison, value, wanted);
    });
  };
  const auto satisfies = [&](const std::string& value) {
    return matches_some(value) != condition.negated;
  };
  switch (condition.quantifier) {
    case Quantifier::for_all_values:
      return std::ranges::all_of(*given, satisfies);
    case Quantifier::for_any_value:
      return std::ranges::any_of(*given, satisfies);
    case Quantifier::none:
      break;
  }
  // Without a quantifier a negated operator is the opposite of the positive one, also for several
  // values.
  return std::ranges::any_of(*given, matches_some) != condition.negated;
}

bool has_variable(std::string_view text) noexcept {
  return text.find("${") != std::string_view::npos;
}

std::optional<std::string> with_variables(std::string_view text, const ConditionSource& source) {
  std::string filled;
  for (;;) {
    const auto begin = text.find("${");
    const auto end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return filled.append(text);
    filled.append(text.substr(0, begin));
    const auto value = variable(text.substr(begin + 2, end - begin - 2), source);
    if (!value) return std::nullopt;
    append_literally(filled, *value);
    if (filled.size() > kLongestFilled) return std::nullopt;
    text.remove_prefix(end + 1);
  }
}

bool like(std::string_view pattern, std::string_view text, bool ignore_case) noexcept {
  const auto is_special = [](char c) { return c == '*' || c == '?' || c == kLiteral; };
  std::size_t p = 0;
  // What most patterns and texts have in common, and where they differ.
  while (p < std::min(pattern.size(), text.size()) && pattern[p] == text[p] &&
         !is_special(pattern[p])) {
    ++p;
  }
  // Goes back to the latest "*" only: an earlier one could match nothing more, so the time is at
  // most the product of the lengths.
  std::size_t t = p;
  std::size_t star = std::string_view::npos;
  std::size_t star_end = 0;
  while (t < text.size()) {
    const bool literal = p + 1 < pattern.size() && pattern[p] == kLiteral;
    const std::size_t at = literal ? p + 1 : p;
    if (!literal && p < pattern.size() && pattern[p] == '*') {
      star = p++;
      if (p == pattern.size()) return true;
      star_end = t;
    } else if (!literal && p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = end_of_character(text, t);
    } else if (at < pattern.size() &&
               (pattern[at] == text[t] ||
                (ignore_case && to_lower(pattern[at]) == to_lower(text[t])))) {
      p = at + 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace kms::auth
