#include "connector/sts/trust.h"

#include "connector/auth/own_policies.h"

namespace kms::sts {

bool is_trusted(const auth::Caller& caller, const auth::Principal& role, std::string_view action,
                const auth::ConditionSource& conditions) {
  if (!role.trust_policy) return false;
  const auth::Question question{
      .action = action, .resource = role.arn, .caller = caller, .conditions = conditions};
  const auth::Verdict trust = evaluate(*role.trust_policy, question);
  const auth::OwnVerdict own = auth::evaluate_own(question);
  if (trust.effect != auth::Effect::allow || own.denied()) return false;
  if (caller.account != role.account) return own.allowed() && own.within_limits();
  switch (trust.named) {
    case auth::Named::caller:
      return true;
    case auth::Named::role:
      return own.within_limits();
    case auth::Named::account:
      return own.allowed() && own.within_limits();
    case auth::Named::nobody:
      break;
  }
  return false;
}

}  // namespace kms::sts
