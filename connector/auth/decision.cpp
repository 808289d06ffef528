#include "connector/auth/decision.h"

#include <algorithm>
#include <array>
#include <optional>

#include "connector/api/shapes.h"

namespace kms::auth {
namespace {

constexpr std::array<std::string_view, 21> kAcrossAccounts{"CreateGrant",
                                                           "Decrypt",
                                                           "DeriveSharedSecret",
                                                           "DescribeKey",
                                                           "Encrypt",
                                                           "GenerateDataKey",
                                                           "GenerateDataKeyPair",
                                                           "GenerateDataKeyPairWithoutPlaintext",
                                                           "GenerateDataKeyWithoutPlaintext",
                                                           "GenerateMac",
                                                           "GetKeyRotationStatus",
                                                           "GetPublicKey",
                                                           "ListGrants",
                                                           "ReEncrypt",
                                                           "ReEncryptFrom",
                                                           "ReEncryptTo",
                                                           "RetireGrant",
                                                           "RevokeGrant",
                                                           "Sign",
                                                           "Verify",
                                                           "VerifyMac"};

constexpr std::string_view kKeyPolicy = "key policy";

std::string sid_of(const Statement* statement) {
  return statement == nullptr ? std::string() : statement->sid;
}

Decision by_key_policy(const Verdict& verdict, bool allowed, Reason reason) {
  return {.allowed = allowed,
          .reason = reason,
          .policy = std::string(kKeyPolicy),
          .statement = sid_of(verdict.statement),
          .grant = nullptr};
}

Decision by_own(const OwnVerdict::Part& part, bool allowed, Reason reason) {
  return {.allowed = allowed,
          .reason = reason,
          .policy = part.policy == nullptr ? std::string() : part.policy->name,
          .statement = sid_of(part.statement),
          .grant = nullptr};
}

Decision refused(Reason reason) {
  return {.allowed = false, .reason = reason, .policy = {}, .statement = {}, .grant = nullptr};
}

/// The denial of the caller's own policies, if there is one.
std::optional<Decision> own_denial(const OwnVerdict& own) {
  if (own.identity.effect == Effect::deny) {
    return by_own(own.identity, false, Reason::deny_in_identity_policy);
  }
  if (own.boundary && own.boundary->effect == Effect::deny) {
    return by_own(*own.boundary, false, Reason::deny_in_boundary);
  }
  if (own.session && own.session->effect == Effect::deny) {
    return by_own(*own.session, false, Reason::deny_in_session_policy);
  }
  return std::nullopt;
}

/// Why the caller's own policies do not suffice.
Decision own_refusal(const OwnVerdict& own, bool needs_identity) {
  if (needs_identity && !own.allowed()) return refused(Reason::no_identity_policy);
  const bool bounded = own.boundary && own.boundary->effect != Effect::allow;
  return refused(bounded ? Reason::no_boundary : Reason::no_session_policy);
}

/// Whether an allowance to this principal is enough in its own account. What names the user, the
/// session or everybody is not limited by boundary and session policies; what names the role is.
bool suffices(Named named, const OwnVerdict& own) {
  switch (named) {
    case Named::caller:
      return true;
    case Named::role:
      return own.within_limits();
    case Named::account:
      return own.allowed() && own.within_limits();
    case Named::nobody:
      break;
  }
  return false;
}

bool contains(const keys::EncryptionContext& all, const keys::EncryptionContext& part) {
  return std::ranges::all_of(part, [&](const auto& pair) {
    const auto found = all.find(pair.first);
    return found != all.end() && found->second == pair.second;
  });
}

/// Whether every context that `child` allows is one that `parent` allows.
bool is_no_wider(const api::GrantConstraints& child, const api::GrantConstraints& parent) {
  if (const auto& equals = parent.encryption_context_equals) {
    if (child.encryption_context_equals != equals) return false;
  }
  if (const auto& subset = parent.encryption_context_subset) {
    const bool by_equals =
        child.encryption_context_equals && contains(*child.encryption_context_equals, *subset);
    const bool by_subset =
        child.encryption_context_subset && contains(*child.encryption_context_subset, *subset);
    if (!by_equals && !by_subset) return false;
  }
  return true;
}

bool is_child_of(const keys::GrantRecord& parent, const RequestContext& context) {
  if (context.input != &api::structure_of<api::CreateGrantRequest>()) return true;
  const auto& child = *static_cast<const api::CreateGrantRequest*>(context.request);
  const bool operations = std::ranges::all_of(child.operations, [&](api::GrantOperation operation) {
    return std::ranges::count(parent.operations, operation) != 0;
  });
  return operations &&
         is_no_wider(child.constraints.value_or(api::GrantConstraints{}), parent.constraints);
}

bool fits_constraints(const api::GrantConstraints& constraints, const RequestContext& context) {
  static const keys::EncryptionContext kNone;
  const keys::EncryptionContext& sent =
      context.encryption_context == nullptr ? kNone : *context.encryption_context;
  if (constraints.encryption_context_equals && *constraints.encryption_context_equals != sent) {
    return false;
  }
  return !constraints.encryption_context_subset ||
         contains(sent, *constraints.encryption_context_subset);
}

struct Evaluated {
  Verdict resource;
  OwnVerdict own;
};

Evaluated evaluate_all(const KeyQuestion& question) {
  const std::string action = question.action.str();
  const std::string arn = question.key.arn();
  const RequestConditions for_key({.caller = question.caller,
                                   .action = question.action,
                                   .key = &question.key,
                                   .context = question.context,
                                   .key_policy = true});
  const RequestConditions for_identity({.caller = question.caller,
                                        .action = question.action,
                                        .key = &question.key,
                                        .context = question.context});
  return {
      .resource = evaluate(
          question.key_policy,
          {.action = action, .resource = arn, .caller = question.caller, .conditions = for_key}),
      .own = evaluate_own({.action = action,
                           .resource = arn,
                           .caller = question.caller,
                           .conditions = for_identity})};
}

/// A denial by whichever policy.
std::optional<Decision> denial(const Evaluated& evaluated) {
  if (evaluated.resource.effect == Effect::deny) {
    return by_key_policy(evaluated.resource, false, Reason::deny_in_key_policy);
  }
  return own_denial(evaluated.own);
}

std::optional<Decision> allowed_by_policies(const Evaluated& evaluated, bool foreign) {
  const auto& [resource, own] = evaluated;
  if (resource.effect != Effect::allow) return std::nullopt;
  if (foreign) {
    if (!own.allowed() || !own.within_limits()) return std::nullopt;
    return by_key_policy(resource, true, Reason::key_policy);
  }
  if (!suffices(resource.named, own)) return std::nullopt;
  return resource.named == Named::account ? by_own(own.identity, true, Reason::identity_policy)
                                          : by_key_policy(resource, true, Reason::key_policy);
}

}  // namespace

bool works_across_accounts(keys::Action action) {
  return std::ranges::count(kAcrossAccounts, action.name) != 0;
}

bool grant_covers(const keys::GrantRecord& grant, const KeyQuestion& question) {
  const auto operation = api::from_string<api::GrantOperation>(question.action.name);
  if (!operation || std::ranges::count(grant.operations, *operation) == 0) return false;
  switch (*operation) {
    case api::GrantOperation::create_grant:
      return is_child_of(grant, question.context);
    case api::GrantOperation::describe_key:
    case api::GrantOperation::retire_grant:
      return true;  // constraints do not restrict these
    default:
      return fits_constraints(grant.constraints, question.context);
  }
}

Decision decide(const KeyQuestion& question) {
  const bool foreign = question.key.scope.account != question.caller.account;
  const Evaluated evaluated = evaluate_all(question);
  if (auto denied = denial(evaluated)) return *denied;
  if (foreign && !works_across_accounts(question.action))
    return refused(Reason::not_across_accounts);
  if (auto allowed = allowed_by_policies(evaluated, foreign)) return *allowed;
  const auto allows = [&](const keys::GrantRecord& grant) {
    const Named named = match(grant.grantee_principal, question.caller);
    return suffices(named, evaluated.own) && grant_covers(grant, question);
  };
  const keys::GrantPtr grant = question.find_grant ? question.find_grant(allows) : nullptr;
  if (grant) {
    return {.allowed = true,
            .reason = Reason::grant,
            .policy = "grant " + grant->id,
            .statement = grant->name,
            .grant = grant};
  }
  const Verdict& resource = evaluated.resource;
  if (resource.effect == Effect::none) return refused(Reason::no_key_policy);
  return own_refusal(evaluated.own, foreign || resource.named == Named::account);
}

Decision decide_retirement(const KeyQuestion& question, const keys::GrantPtr& grant) {
  const Evaluated evaluated = evaluate_all(question);
  if (auto denied = denial(evaluated)) return *denied;
  const OwnVerdict& own = evaluated.own;
  const auto covers = [&](const std::string& principal) {
    return suffices(match(principal, question.caller), own);
  };
  const bool by_grantee = grant_covers(*grant, question) && covers(grant->grantee_principal);
  if (covers(grant->retiring_principal) || by_grantee) {
    return {.allowed = true,
            .reason = Reason::retirement,
            .policy = "grant " + grant->id,
            .statement = grant->name,
            .grant = grant};
  }
  if (!own.allowed() || !own.within_limits()) return own_refusal(own, true);
  if (question.caller.account != grant->issuing_account) return refused(Reason::no_key_policy);
  return by_own(own.identity, true, Reason::identity_policy);
}

Decision decide_account(const Caller& caller, keys::Action action, std::string_view resource,
                        const RequestContext& context) {
  const std::string name = action.str();
  const RequestConditions conditions(
      {.caller = caller, .action = action, .key = nullptr, .context = context});
  const OwnVerdict own = evaluate_own(
      {.action = name, .resource = resource, .caller = caller, .conditions = conditions});
  if (auto denied = own_denial(own)) return *denied;
  if (!own.allowed() || !own.within_limits()) return own_refusal(own, true);
  return by_own(own.identity, true, Reason::identity_policy);
}

}  // namespace kms::auth
