#include "connector/auth/policy.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "connector/api/json_document.h"
#include "connector/auth/principal.h"
#include "connector/base/arn.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

using Fault = PolicyError::Fault;
using Value = rapidjson::Value;

constexpr const char* kInvalidPrincipals =
    "Policy contains a statement with one or more invalid principals.";

[[noreturn]] void refuse(const std::string& where, const std::string& text) {
  throw PolicyError(Fault::malformed, where, text);
}

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::string below(const std::string& where, std::string_view name) {
  return where.empty() ? std::string(name) : where + "." + std::string(name);
}

std::string element(const std::string& where, std::size_t index) {
  return where + "[" + std::to_string(index) + "]";
}

std::string number_text(const Value& number) {
  if (number.IsInt64()) return std::to_string(number.GetInt64());
  if (number.IsUint64()) return std::to_string(number.GetUint64());
  // Without an exponent, which conditions do not know: 309 digits, or as many zeros and 17 digits.
  std::array<char, 400> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number.GetDouble(),
                                    std::chars_format::fixed);
  return {text.data(), result.ptr};
}

/// A string or a list of strings; with `scalars`, also numbers and truth values, as conditions may
/// have them.
std::vector<std::string> read_strings(const Value& value, const std::string& where,
                                      bool scalars = false) {
  std::vector<std::string> strings;
  const auto read_one = [&](const Value& one, const std::string& place) {
    if (one.IsString()) {
      strings.emplace_back(text_of(one));
    } else if (scalars && one.IsBool()) {
      strings.emplace_back(one.GetBool() ? "true" : "false");
    } else if (scalars && one.IsNumber()) {
      strings.push_back(number_text(one));
    } else {
      refuse(place, "Syntax errors in policy: expected a string or a list of strings");
    }
  };
  if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) read_one(value[i], element(where, i));
  } else {
    read_one(value, where);
  }
  return strings;
}

bool names_principals(PolicyKind kind) {
  return kind == PolicyKind::key || kind == PolicyKind::trust;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The ARN of an account root, user, role, role session or federated user.
bool is_principal(const Arn& arn) {
  if (!is_account(arn.account) || !arn.region.empty()) return false;
  const auto named = [&](std::string_view kind) {
    return arn.resource.starts_with(kind) && arn.resource.size() > kind.size();
  };
  if (arn.service == "iam") return arn.resource == "root" || named("user/") || named("role/");
  return arn.service == "sts" && (named("assumed-role/") || named("federated-user/"));
}

void check_aws_principal(const std::string& text, const std::string& where, PolicyKind kind) {
  // Nobody has such a name. That principals of a key policy exist is looked at when it is put.
  if (kind == PolicyKind::trust && text != "*" && text.find_first_of("*?") != std::string::npos) {
    refuse(where, kInvalidPrincipals);
  }
  if (text == "*" || is_account(text) || is_unique_id(text)) return;
  const auto arn = Arn::parse(text);
  const bool of_iam =
      arn ? arn->service == "iam" || arn->service == "sts" : text.starts_with("arn:");
  if (!of_iam) refuse(where, kInvalidPrincipals);
  if (!arn || !is_principal(*arn)) {
    throw PolicyError(Fault::invalid_arn, where, "An ARN in the specified key policy is invalid.");
  }
}

PrincipalSet read_principals(const Value& value, const std::string& where, PolicyKind kind,
                             bool inverted) {
  PrincipalSet set{.inverted = inverted, .aws = {}, .others = {}};
  if (value.IsString() && text_of(value) == "*") {
    set.aws.emplace_back("*");
    return set;
  }
  if (!value.IsObject() || value.MemberCount() == 0) refuse(where, kInvalidPrincipals);
  constexpr std::array<std::string_view, 3> kOthers{"Service", "Federated", "CanonicalUser"};
  for (const auto& member : value.GetObject()) {
    const std::string_view type = text_of(member.name);
    const std::string place = below(where, type);
    std::vector<std::string> named = read_strings(member.value, place);
    if (type == "AWS") {
      for (const std::string& principal : named) check_aws_principal(principal, place, kind);
      set.aws = std::move(named);
    } else if (std::ranges::count(kOthers, type) != 0) {
      for (std::string& principal : named) set.others.emplace_back(type, std::move(principal));
    } else {
      refuse(place, kInvalidPrincipals);
    }
  }
  if (set.aws.empty() && set.others.empty()) refuse(where, kInvalidPrincipals);
  return set;
}

/// "*", "kms:*", "kms:Describe*".
bool is_action(std::string_view text) {
  if (text == "*") return true;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  return text.find_first_of(" \t\r\n:", colon + 1) == std::string_view::npos;
}

void check_action(const std::string& text, const std::string& where) {
  if (!is_action(text)) {
    refuse(where,
           "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: " + text);
  }
}

void check_resource(const std::string& text, const std::string& where) {
  if (text == "*" || text.starts_with("arn:") || text.starts_with("*:")) return;
  refuse(where, not_an_arn(text));
}

std::vector<std::string> read_resources(const Value& value, const std::string& where,
                                        PolicyKind kind) {
  const std::vector<std::string> given = read_strings(value, where);
  std::vector<std::string> patterns = given;
  for (const std::string& one : given) {
    check_resource(one, where);
    std::size_t missing = missing_arn_fields(one);
    if (missing == 0) continue;
    if (kind == PolicyKind::session) refuse(where, not_an_arn(one));
    if (kind != PolicyKind::identity) continue;
    // Beside what is given, whose wildcards may reach over colons.
    std::string& completed = patterns.emplace_back(one);
    for (; missing > 0; --missing) completed += ":*";
  }
  return patterns;
}

std::vector<Condition> read_conditions(const Value& value, const std::string& where) {
  if (!value.IsObject()) refuse(where, "Syntax errors in policy: Condition must be an object");
  std::vector<Condition> conditions;
  for (const auto& block : value.GetObject()) {
    Condition condition;
    condition.operator_name = text_of(block.name);
    const std::string place = below(where, condition.operator_name);
    if (!parse_operator(condition.operator_name, condition)) {
      refuse(place, "Invalid Condition type : " + condition.operator_name + ".");
    }
    if (!block.value.IsObject()) refuse(place, "Syntax errors in policy: expected condition keys");
    for (const auto& clause : block.value.GetObject()) {
      const std::string key(text_of(clause.name));
      const std::string at = below(place, key);
      if (key.find(':') == std::string::npos) {
        refuse(at, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: " +
                       key);
      }
      condition.key = ConditionKey(key);
      condition.values = read_strings(clause.value, at, true);
      if (condition.values.empty()) refuse(at, "A condition has no values.");
      for (const std::string& one : condition.values) {
        if (!is_fitting_value(condition.comparison, one)) {
          refuse(at, "Invalid value for the condition operator " + condition.operator_name + ": " +
                         one);
        }
      }
      conditions.push_back(condition);
    }
  }
  return conditions;
}

bool is_overly_permissive(const Condition& condition) {
  constexpr std::array<std::string_view, 2> kSingleValued{"kms:encryptioncontext:",
                                                          "aws:requesttag/"};
  return condition.quantifier == Quantifier::for_all_values &&
         std::ranges::any_of(kSingleValued, [&](std::string_view prefix) {
           return condition.key.lower().starts_with(prefix);
         });
}

/// The members of one statement, each at most once.
class StatementReader {
 public:
  StatementReader(const Value& value, std::string where, PolicyKind kind)
      : where_(std::move(where)), kind_(kind) {
    if (!value.IsObject()) refuse(where_, "Syntax errors in policy: a statement must be an object");
    for (const auto& member : value.GetObject()) read(text_of(member.name), member.value);
    check();
  }
  [[nodiscard]] Statement take() { return std::move(statement_); }

 private:
  void read(std::string_view name, const Value& value) {
    const std::string place = below(where_, name);
    if (name == "Sid") {
      if (!value.IsString()) refuse(place, "Syntax errors in policy: Sid must be a string");
      statement_.sid = text_of(value);
    } else if (name == "Effect") {
      if (!value.IsString() || (text_of(value) != "Allow" && text_of(value) != "Deny")) {
        refuse(place, "Invalid effect: it must be Allow or Deny");
      }
      effect_ = true;
      statement_.allow = text_of(value) == "Allow";
    } else if (name == "Principal" || name == "NotPrincipal") {
      if (!names_principals(kind_))
        refuse(place, "Policy document should not specify a principal.");
      if (statement_.principals) refuse(place, "A statement has either Principal or NotPrincipal.");
      statement_.principals = read_principals(value, place, kind_, name == "NotPrincipal");
    } else if (name == "Action" || name == "NotAction") {
      if (action_) refuse(place, "A statement has either Action or NotAction.");
      action_ = true;
      statement_.actions = {.inverted = name == "NotAction",
                            .patterns = read_strings(value, place)};
      for (const std::string& action : statement_.actions.patterns) check_action(action, place);
    } else if (name == "Resource" || name == "NotResource") {
      if (kind_ == PolicyKind::trust) refuse(place, "Has prohibited field Resource.");
      if (statement_.resources) refuse(place, "A statement has either Resource or NotResource.");
      statement_.resources = {.inverted = name == "NotResource",
                              .patterns = read_resources(value, place, kind_)};
    } else if (name == "Condition") {
      statement_.conditions = read_conditions(value, place);
      const auto found = std::ranges::find_if(statement_.conditions, is_overly_permissive);
      if (kind_ == PolicyKind::key && found != statement_.conditions.end()) {
        refuse(
            below(below(place, found->operator_name), found->key.written()),
            "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued "
            "condition key matches requests without the specified [encryption context or tag] or "
            "with an unspecified [encryption context or tag]. To fix, remove ForAllValues.");
      }
    } else {
      refuse(place, "Syntax errors in policy: unknown field " + std::string(name));
    }
  }

  void check() const {
    if (!effect_) refuse(where_, "Missing required field Effect");
    if (names_principals(kind_) && !statement_.principals) {
      refuse(where_, "Policy contains a statement with no principal.");
    }
    if (statement_.actions.patterns.empty()) refuse(where_, "Missing required field Action");
    if (kind_ != PolicyKind::trust &&
        (!statement_.resources || statement_.resources->patterns.empty())) {
      refuse(where_, "Missing required field Resource");
    }
  }

  std::string where_;
  PolicyKind kind_;
  Statement statement_;
  bool effect_ = false;
  bool action_ = false;
};

std::vector<Statement> read_statements(const Value& value, PolicyKind kind) {
  constexpr std::string_view kWhere = "Statement";
  std::vector<Statement> statements;
  if (value.IsObject()) {
    statements.push_back(StatementReader(value, std::string(kWhere), kind).take());
  } else if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
      statements.push_back(StatementReader(value[i], element(std::string(kWhere), i), kind).take());
    }
  }
  if (statements.empty())
    refuse(std::string(kWhere), "Policy document must have at least one statement.");
  return statements;
}

}  // namespace

std::size_t missing_arn_fields(std::string_view pattern) {
  constexpr std::size_t kColons = 5;
  if (!pattern.starts_with("arn:")) return 0;
  std::size_t colons = 0;
  bool variable = false;  // "${aws:username}" has colons of its own
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("${")) variable = true;
    if (pattern[i] == '}') variable = false;
    if (pattern[i] == ':' && !variable) ++colons;
  }
  return kColons - std::min(colons, kColons);
}

std::string not_an_arn(const std::string& resource) {
  return "Resource " + resource + " must be in ARN format or \"*\".";
}

Policy parse_policy(std::string_view json, PolicyKind kind) {
  std::string text(json);
  rapidjson::Document document;
  if (!api::parse_in_place(text, document))
    refuse("", "Syntax errors in policy: it is not valid JSON");
  if (!document.IsObject()) refuse("", "Syntax errors in policy: it is not a JSON object");
  Policy policy;
  const Value& root = document;
  for (const auto& member : root.GetObject()) {
    const std::string name(text_of(member.name));
    const Value& value = member.value;
    if (name == "Version") {
      if (!value.IsString() || (text_of(value) != "2012-10-17" && text_of(value) != "2008-10-17")) {
        refuse(name, "Invalid policy version: it must be 2012-10-17 or 2008-10-17");
      }
      policy.version = text_of(value);
    } else if (name == "Id") {
      if (!value.IsString()) refuse(name, "Syntax errors in policy: Id must be a string");
      policy.id = text_of(value);
    } else if (name == "Statement") {
      policy.statements = read_statements(value, kind);
    } else {
      refuse(name, "Syntax errors in policy: unknown field " + name);
    }
  }
  if (policy.statements.empty()) refuse("", "Missing required field Statement");
  for (Statement& statement : policy.statements)
    statement.variables = policy.version == "2012-10-17";
  return policy;
}

}  // namespace kms::auth
