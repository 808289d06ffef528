#pragma once

#include <cstdint>
#include <string_view>

#include "connector/auth/caller.h"
#include "connector/auth/condition.h"
#include "connector/auth/policy.h"

// What one policy says of one request: a pure function of its arguments.
namespace kms::auth {

struct Question {
  std::string_view action;    // "kms:Encrypt"
  std::string_view resource;  // ARN, or "*"
  const Caller& caller;
  const ConditionSource& conditions;
};

enum class Effect : std::uint8_t { none, allow, deny };

/// Whom the Principal element of the deciding statement named.
enum class Named : std::uint8_t {
  nobody,   // the policy has no principals
  account,  // the caller's account: its identity policies decide
  role,     // the role of the caller's session
  caller,   // the caller itself, or everybody ("*")
};

/// How closely a name of a policy or grant fits the caller: "*", an account, an ARN, or the unique
/// id by which keys and grants remember users and roles.
Named match(std::string_view name, const Caller& caller);

struct Verdict {
  Effect effect = Effect::none;
  Named named = Named::nobody;
  const Statement* statement = nullptr;  // the deciding one; null with Effect::none
};

/// A Deny that applies outweighs every Allow; of several Allows the one that names the caller most
/// closely decides, of those that name it alike one without conditions, else the first.
Verdict evaluate(const Policy& policy, const Question& question);

/// Whether one statement applies, element by element; `explain` shows it.
struct Applies {
  bool principal = true;
  Named named = Named::nobody;
  bool action = false;
  bool resource = true;
  const Condition* failed = nullptr;  // the first condition that does not hold
  [[nodiscard]] bool all() const noexcept {
    return principal && action && resource && failed == nullptr;
  }
};
Applies applies(const Statement& statement, const Question& question);

}  // namespace kms::auth
