#include "connector/sts/trust.h"

#include "connector/auth/own_policies.h"

namespace kms::sts {
namespace {

using auth::Effect;

/// Whether what the trust policy allows is allowed; nobody has denied it.
bool suffices(const auth::Verdict& trust, const auth::OwnVerdict& own, bool same_account) {
  const bool by_own = own.allowed() && own.within_limits();
  if (!same_account) return by_own;
  switch (trust.named) {
    case auth::Named::caller:
      return true;
    case auth::Named::role:
      return own.within_limits();
    case auth::Named::account:
      return by_own;
    case auth::Named::nobody:
      break;
  }
  return false;
}

/// The policy of the caller's that denies.
const auth::OwnVerdict::Part* denying(const auth::OwnVerdict& own) {
  if (own.identity.effect == Effect::deny) return &own.identity;
  if (own.boundary && own.boundary->effect == Effect::deny) return &*own.boundary;
  if (own.session && own.session->effect == Effect::deny) return &*own.session;
  return nullptr;
}

}  // namespace

audit::Decision decide_trust(const auth::Caller& caller, const auth::Principal& role,
                             std::string_view action, const auth::ConditionSource& conditions) {
  audit::Decision decision{
      .action = std::string(action), .allowed = false, .policy = {}, .statement = {}};
  if (!role.trust_policy) return decision;
  const auth::Question question{
      .action = action, .resource = role.arn, .caller = caller, .conditions = conditions};
  const auth::Verdict trust = evaluate(*role.trust_policy, question);
  const auth::OwnVerdict own = auth::evaluate_own(question);
  if (trust.effect == Effect::none) return decision;
  if (const auto* const part = denying(own)) {
    decision.policy = part->policy->name;
    decision.statement = part->statement->sid;
    return decision;
  }
  decision.allowed =
      trust.effect == Effect::allow && suffices(trust, own, caller.account == role.account);
  if (decision.allowed || trust.effect == Effect::deny) {
    decision.policy = "trust policy";
    decision.statement = trust.statement->sid;
  }
  return decision;
}

}  // namespace kms::sts
