#include "connector/auth/policy_evaluation.h"

#include <algorithm>
#include <optional>
#include <string>

namespace kms::auth {
namespace {

std::string_view partition_of(std::string_view arn) {
  arn.remove_prefix(std::min(arn.size(), std::string_view("arn:").size()));
  return arn.substr(0, arn.find(':'));
}

/// "123456789012" or "arn:aws:iam::123456789012:root".
bool is_account_of(std::string_view named, const Caller& caller) {
  if (named == caller.account) return true;
  if (!named.ends_with(":root")) return false;
  std::string root = "arn:";
  root.append(partition_of(caller.arn)).append(":iam::").append(caller.account).append(":root");
  return named == root;
}

/// NotPrincipal of an Allow leaves out whom it names in any way; that of a Deny spares only whom it
/// names itself or as its role: IAM wants the account's ARN beside the user's, and that must not
/// spare the account's others. Nor does it spare a principal with a permissions boundary, whomever
/// it names (IAM User Guide, "NotPrincipal with Deny").
Named match(const PrincipalSet& set, const Caller& caller, bool allow) {
  Named closest = Named::nobody;
  for (const std::string& named : set.aws) closest = std::max(closest, match(named, caller));
  if (!set.inverted) return closest;
  const bool bounded = caller.principal && caller.principal->boundary;
  const bool excepted = allow ? closest != Named::nobody : closest >= Named::role && !bounded;
  return excepted ? Named::nobody : Named::caller;
}

bool covers(const PatternSet& set, std::string_view text, bool ignore_case) {
  const bool found = std::ranges::any_of(
      set.patterns, [&](const std::string& pattern) { return like(pattern, text, ignore_case); });
  return found != set.inverted;
}

/// Whether the statement is about the caller, and how closely its Principal names it.
bool is_about_caller(const Statement& statement, const Question& question, Named& named) {
  if (!statement.principals) return true;
  named = match(*statement.principals, question.caller, statement.allow);
  return named != Named::nobody;
}

bool covers_action(const Statement& statement, const Question& question) {
  return covers(statement.actions, question.action, true);
}

bool covers_resource(const Statement& statement, const Question& question) {
  if (!statement.resources) return true;
  const PatternSet& set = *statement.resources;
  if (!statement.variables) return covers(set, question.resource, false);
  const bool found = std::ranges::any_of(set.patterns, [&](const std::string& pattern) {
    if (!has_variable(pattern)) return like(pattern, question.resource);
    const auto filled = with_variables(pattern, question.conditions);
    return filled && like(*filled, question.resource);
  });
  return found != set.inverted;
}

/// The first condition that does not hold; null if all do.
const Condition* failed_condition(const Statement& statement, const Question& question) {
  const auto failed = std::ranges::find_if(statement.conditions, [&](const Condition& condition) {
    if (question.conditions.untold(condition.key)) return statement.allow;
    return !holds(condition, question.conditions, statement.variables);
  });
  return failed == statement.conditions.end() ? nullptr : &*failed;
}

}  // namespace

Named match(std::string_view name, const Caller& caller) {
  if (name.empty()) return Named::nobody;
  if (name == "*" || name == caller.arn || name == caller.principal_id) return Named::caller;
  const bool is_role_session = caller.principal && caller.arn != caller.principal->arn;
  if (is_role_session && (name == caller.principal->arn || name == caller.principal->unique_id)) {
    return Named::role;
  }
  if (is_account_of(name, caller)) return caller.type == "Root" ? Named::caller : Named::account;
  return Named::nobody;
}

Applies applies(const Statement& statement, const Question& question) {
  Applies result;
  result.principal = is_about_caller(statement, question, result.named);
  result.action = covers_action(statement, question);
  result.resource = covers_resource(statement, question);
  if (result.all()) result.failed = failed_condition(statement, question);
  return result;
}

Verdict evaluate(const Policy& policy, const Question& question) {
  Verdict verdict;
  const auto consider = [&](const Statement& statement) {
    // What costs least and fails most comes first.
    Named named = Named::nobody;
    if (!is_about_caller(statement, question, named)) return;
    const bool decides =
        !statement.allow || verdict.effect == Effect::none || named > verdict.named;
    if (decides && covers_action(statement, question) && covers_resource(statement, question) &&
        failed_condition(statement, question) == nullptr) {
      verdict = {.effect = statement.allow ? Effect::allow : Effect::deny,
                 .named = named,
                 .statement = &statement};
    }
  };
  const auto is_last_resort = [](const Statement& statement) {
    return statement.allow && !statement.conditions.empty();
  };
  for (const Statement& statement : policy.statements) {
    if (!is_last_resort(statement)) consider(statement);
    if (verdict.effect == Effect::deny) return verdict;
  }
  for (const Statement& statement : policy.statements) {
    if (is_last_resort(statement)) consider(statement);
  }
  return verdict;
}

}  // namespace kms::auth
