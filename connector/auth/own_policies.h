#pragma once

#include <optional>

#include "connector/auth/policy_evaluation.h"

namespace kms::auth {

/// What the caller's own policies say: identity policies allow, a boundary and session policies
/// limit what they allow, and each may deny (IAM User Guide, "Policy evaluation logic").
struct OwnVerdict {
  struct Part {
    Effect effect = Effect::none;
    const NamedPolicy* policy = nullptr;  // that decided; null with Effect::none
    const Statement* statement = nullptr;
  };
  Part identity;
  std::optional<Part> boundary;  // unset: there is none
  std::optional<Part> session;   // the same

  [[nodiscard]] bool denied() const noexcept {
    return identity.effect == Effect::deny || (boundary && boundary->effect == Effect::deny) ||
           (session && session->effect == Effect::deny);
  }
  /// An account's root may do everything in it.
  bool root = false;
  [[nodiscard]] bool allowed() const noexcept { return root || identity.effect == Effect::allow; }
  /// Neither boundary nor session policies leave it out.
  [[nodiscard]] bool within_limits() const noexcept {
    return (!boundary || boundary->effect == Effect::allow) &&
           (!session || session->effect == Effect::allow);
  }
};

OwnVerdict evaluate_own(const Question& question);

}  // namespace kms::auth
