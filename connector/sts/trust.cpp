#include "connector/sts/trust.h"

#include "connector/auth/policy_evaluation.h"

namespace kms::sts {
namespace {

using auth::Effect;
using auth::Named;

/// What the caller's own policies say; see "Policy evaluation logic" in the IAM User Guide.
struct Own {
  bool denied = false;
  bool allowed = false;   // by an identity policy
  bool unbounded = true;  // neither boundary nor session policies leave it out
};

/// Several policies of one kind count as one.
Effect together(const std::vector<auth::NamedPolicy>& policies, const auth::Question& question) {
  Effect effect = Effect::none;
  for (const auth::NamedPolicy& policy : policies) {
    const Effect one = evaluate(policy.policy, question).effect;
    if (one == Effect::deny) return one;
    if (one == Effect::allow) effect = one;
  }
  return effect;
}

Own evaluate_own(const auth::Caller& caller, const auth::Question& question) {
  Own own;
  const auto bound = [&own](Effect effect) {
    own.denied = own.denied || effect == Effect::deny;
    own.unbounded = own.unbounded && effect == Effect::allow;
  };
  const Effect identity = together(caller.principal->policies, question);
  own.denied = identity == Effect::deny;
  own.allowed = identity == Effect::allow;
  if (const auto& boundary = caller.principal->boundary) {
    bound(evaluate(boundary->policy, question).effect);
  }
  if (caller.session != nullptr && !caller.session->policies.empty()) {
    bound(together(caller.session->policies, question));
  }
  return own;
}

}  // namespace

bool is_trusted(const auth::Caller& caller, const auth::Principal& role, std::string_view action,
                const auth::ConditionSource& conditions) {
  if (!role.trust_policy) return false;
  const auth::Question question{
      .action = action, .resource = role.arn, .caller = caller, .conditions = conditions};
  const auth::Verdict trust = evaluate(*role.trust_policy, question);
  const Own own = evaluate_own(caller, question);
  if (trust.effect != Effect::allow || own.denied) return false;
  if (caller.account != role.account) return own.allowed && own.unbounded;
  switch (trust.named) {
    case Named::caller:
      return true;
    case Named::role:
      return own.unbounded;
    case Named::account:
      return own.allowed && own.unbounded;
    case Named::nobody:
      break;
  }
  return false;
}

}  // namespace kms::sts
