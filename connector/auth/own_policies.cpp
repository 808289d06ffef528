#include "connector/auth/own_policies.h"

#include <span>

namespace kms::auth {
namespace {

using Part = OwnVerdict::Part;

/// Several policies of one kind count as one.
Part together(std::span<const NamedPolicy> policies, const Question& question) {
  Part part;
  for (const NamedPolicy& policy : policies) {
    const Verdict verdict = evaluate(policy.policy, question);
    if (verdict.effect == Effect::none) continue;
    if (verdict.effect == Effect::allow && part.effect == Effect::allow) continue;
    part = {.effect = verdict.effect, .policy = &policy, .statement = verdict.statement};
    if (part.effect == Effect::deny) break;
  }
  return part;
}

}  // namespace

OwnVerdict evaluate_own(const Question& question) {
  const Caller& caller = question.caller;
  OwnVerdict own;
  own.root = caller.type == "Root";
  if (caller.principal) {
    own.identity = together(caller.principal->policies, question);
    if (const auto& boundary = caller.principal->boundary) {
      own.boundary = together(std::span(&*boundary, 1), question);
    }
  }
  if (caller.session && !caller.session->policies.empty()) {
    own.session = together(caller.session->policies, question);
  }
  return own;
}

}  // namespace kms::auth
