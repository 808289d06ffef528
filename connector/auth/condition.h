#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/base/encodings.h"

// The Condition element (IAM User Guide, "IAM JSON policy elements: Condition operators").
namespace kms::auth {

/// The name of a condition key. Upper and lower case are the same in it, but not in what some take
/// behind their ":" or "/" ("kms:EncryptionContext:purpose", "aws:PrincipalTag/team").
class ConditionKey {
 public:
  ConditionKey() = default;
  explicit ConditionKey(std::string_view written)
      : written_(written), lower_(lower_case(written)) {}

  [[nodiscard]] const std::string& written() const noexcept { return written_; }
  [[nodiscard]] const std::string& lower() const noexcept { return lower_; }
  /// What stands behind the prefix, which the lower name begins with, as written.
  [[nodiscard]] std::string_view behind(std::string_view prefix) const {
    return std::string_view(written_).substr(prefix.size());
  }
  bool operator==(const ConditionKey&) const = default;

 private:
  std::string written_;
  std::string lower_;
};

/// Where a decision finds the values of condition keys.
class ConditionSource {
 public:
  ConditionSource() = default;
  ConditionSource(const ConditionSource&) = delete;
  ConditionSource& operator=(const ConditionSource&) = delete;
  virtual ~ConditionSource() = default;
  /// The values of a key; nullopt if the request has none. Numbers, dates and truth values as
  /// policies write them.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> values(
      const ConditionKey& key) const = 0;
  /// Whether the key has values that cannot be told: an Allow that asks for them never applies, a
  /// Deny always.
  [[nodiscard]] virtual bool untold(const ConditionKey& /*key*/) const { return false; }
};

/// How the operator compares one value of the request with one of the policy.
enum class Comparison : std::uint8_t {
  string_equals,
  string_equals_ignore_case,
  string_like,
  numeric_equals,
  numeric_less,
  numeric_less_equals,
  numeric_greater,
  numeric_greater_equals,
  date_equals,
  date_less,
  date_less_equals,
  date_greater,
  date_greater_equals,
  boolean,
  binary_equals,
  ip_address,
  arn_like,  // ArnEquals is the same (IAM User Guide)
  null,
};

enum class Quantifier : std::uint8_t { none, for_all_values, for_any_value };

/// One operator on one key, as "ForAnyValue:StringNotLikeIfExists" says it.
struct Condition {
  std::string operator_name;  // as written
  Comparison comparison{};
  bool negated = false;
  bool if_exists = false;
  Quantifier quantifier = Quantifier::none;
  ConditionKey key;
  std::vector<std::string> values;
  bool operator==(const Condition&) const = default;
};

/// Fills in the operator's parts from its name; false if there is no such operator.
bool parse_operator(std::string_view name, Condition& condition);
/// Whether a policy may say this value: a NumericEquals wants a number, IpAddress an address or
/// prefix.
bool is_fitting_value(Comparison comparison, std::string_view value);

/// Whether the condition holds. With `variables`, those in its values are filled in from the same
/// source.
bool holds(const Condition& condition, const ConditionSource& source, bool variables);

/// Whether with_variables() may have something to fill in.
[[nodiscard]] bool has_variable(std::string_view text) noexcept;

/// `text` with its policy variables ("${aws:username}", "${aws:PrincipalTag/team, 'none'}", "${*}")
/// filled in; characters that came from a variable are no wildcards, which a 0x01 before each says.
/// nullopt: a variable has no value, or what is filled in is longer than 16 KiB.
std::optional<std::string> with_variables(std::string_view text, const ConditionSource& source);

/// Whether a pattern covers the text: "*" is any text, "?" one character; a character after 0x01 is
/// itself.
bool like(std::string_view pattern, std::string_view text, bool ignore_case = false) noexcept;

}  // namespace kms::auth
