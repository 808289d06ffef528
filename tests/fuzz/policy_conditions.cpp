#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/condition.h"
#include "connector/base/encodings.h"
#include "tests/fuzz/support.h"

namespace {

using kms::auth::Condition;
using kms::auth::Quantifier;
using Strings = std::vector<std::string>;

/// A request in which "k:k" has these values, and "k:v" one.
class Given final : public kms::auth::ConditionSource {
 public:
  Given(std::optional<Strings> values, std::string variable)
      : values_(std::move(values)), variable_(std::move(variable)) {}
  [[nodiscard]] std::optional<Strings> values(const kms::auth::ConditionKey& key) const override {
    const std::string& name = key.lower();
    if (name == "k:v") return Strings{variable_};
    return name == "k:k" ? values_ : std::nullopt;
  }

 private:
  std::optional<Strings> values_;
  std::string variable_;
};

bool holds(Condition condition, const Given& given, Quantifier quantifier) {
  condition.quantifier = quantifier;
  return kms::auth::holds(condition, given, true);
}

/// Lines until an empty one.
Strings take_lines(std::string_view& input) {
  constexpr std::size_t kMost = 8;
  Strings lines;
  while (!input.empty() && lines.size() < kMost) {
    const std::string_view line = kms::fuzz::take_line(input);
    if (line.empty()) break;
    lines.emplace_back(line.substr(0, 200));
  }
  return lines;
}

void check(const Condition& condition, const Strings& values, const std::string& variable) {
  using kms::fuzz::require;
  const Given given(values, variable);
  const bool all = holds(condition, given, Quantifier::for_all_values);
  const bool any = holds(condition, given, Quantifier::for_any_value);
  const bool one_after_another = std::ranges::all_of(values, [&](const std::string& value) {
    return holds(condition, Given(Strings{value}, variable), Quantifier::none);
  });
  const bool at_least_one = std::ranges::any_of(values, [&](const std::string& value) {
    return holds(condition, Given(Strings{value}, variable), Quantifier::none);
  });
  if (condition.comparison == kms::auth::Comparison::null) return;
  require(all == one_after_another, "ForAllValues is that each value does",
          condition.operator_name);
  require(any == at_least_one, "ForAnyValue is that one value does", condition.operator_name);
  require(!all || any, "what all values do, one does", condition.operator_name);

  Condition opposite = condition;
  opposite.negated = !condition.negated;
  require(holds(condition, given, Quantifier::none) != holds(opposite, given, Quantifier::none),
          "a negated operator is the opposite", condition.operator_name);
  require(all != holds(opposite, given, Quantifier::for_any_value), "and of all, that one does not",
          condition.operator_name);

  const Given absent(std::nullopt, variable);
  require(holds(condition, absent, Quantifier::for_all_values), "all of none do");
  require(holds(condition, absent, Quantifier::for_any_value) == condition.if_exists,
          "none of none does");
  require(holds(condition, absent, Quantifier::none) == (condition.if_exists || condition.negated),
          "without the key", condition.operator_name);
}

}  // namespace

// The operator, a variable's value, the policy's values, an empty line, the request's values: a
// line each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Condition condition;
  condition.operator_name = kms::fuzz::take_line(input);
  if (!kms::auth::parse_operator(condition.operator_name, condition)) return 0;
  const std::string variable(kms::fuzz::take_line(input).substr(0, 200));
  condition.key = kms::auth::ConditionKey("k:k");
  condition.values = take_lines(input);
  const Strings values = take_lines(input);
  for (const std::string& value : condition.values) {
    static_cast<void>(kms::auth::is_fitting_value(condition.comparison, value));
  }
  // A variable of the very key stands for its value only while it has a single one.
  const bool of_itself = std::ranges::any_of(condition.values, [](const std::string& value) {
    return kms::lower_case(value).find("k:k") != std::string::npos;
  });
  if (!values.empty() && !of_itself) check(condition, values, variable);

  // A variable's value is none of a pattern.
  const auto filled = kms::auth::with_variables("${k:v}", Given(values, variable));
  std::string plain = variable;
  std::erase(plain, '\x01');
  kms::fuzz::require(filled.has_value(), "the variable has a value");
  kms::fuzz::require(kms::auth::like(*filled, plain), "a variable matches its value", variable);
  for (const std::string& value : values) {
    if (value.find('\x01') != std::string::npos) continue;
    kms::fuzz::require(kms::auth::like(*filled, value) == (value == plain), "and nothing else",
                       value);
    kms::fuzz::require(kms::auth::like("*" + *filled, value) == value.ends_with(plain),
                       "at the end", value);
  }
  return 0;
}
