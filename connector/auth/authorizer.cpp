#include "connector/auth/authorizer.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/auth/identity_policy.h"
#include "connector/auth/principal.h"

namespace kms::auth {
namespace {

std::string not_authorized(const Caller& caller, keys::Action action) {
  return "User: " + caller.arn + " is not authorized to perform: " + action.str();
}

[[noreturn]] void deny(const Caller& caller, keys::Action action, std::string_view resource,
                       std::string_view reason) {
  std::string text = not_authorized(caller, action);
  text.append(" on resource: ").append(resource).append(" ").append(reason);
  throw api::access_denied(std::move(text));
}

/// What the identity policies of the caller say of a resource of its own account. Account root has
/// none: the default key policy allows it by name, and what needs no key belongs to it.
void check_identity_policies(const Caller& caller, keys::Action action, std::string_view resource) {
  const PolicyDecision decision = caller.principal == nullptr
                                      ? PolicyDecision::no_match
                                      : evaluate(caller.principal->statements, action);
  switch (decision) {
    case PolicyDecision::allow:
      return;
    case PolicyDecision::explicit_deny:
      deny(caller, action, resource, "with an explicit deny in an identity-based policy");
    case PolicyDecision::no_match:
      if (caller.type == "Root") return;
      deny(caller, action, resource,
           "because no identity-based policy allows the " + action.str() + " action");
  }
}

constexpr std::string_view kForeign =
    " because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based "
    "policy explicitly denies access";

}  // namespace

keys::AuthorizedKey Authorizer::authorize(const Caller& caller, keys::Action action,
                                          keys::KeyPtr key,
                                          const RequestContext& /*context*/) const {
  // The default key policy names its own account only, so to others every key looks absent.
  if (key->scope.account != caller.account) deny_foreign(caller, action);
  check_identity_policies(caller, action, key->arn());
  return {std::move(key), action};
}

keys::AuthorizedKey Authorizer::authorize_retirement(const Caller& caller, keys::Action action,
                                                     keys::KeyPtr key,
                                                     const keys::GrantRecord& grant) const {
  const bool foreign = key->scope.account != caller.account;
  const PolicyDecision decision = caller.principal == nullptr
                                      ? PolicyDecision::no_match
                                      : evaluate(caller.principal->statements, action);
  const bool by_policy = decision == PolicyDecision::allow ||
                         (decision == PolicyDecision::no_match && caller.type == "Root");
  const auto covers = [&](const std::string& principal) {
    switch (match_principal(principal, caller)) {
      case PrincipalMatch::caller:
        return true;
      case PrincipalMatch::account:
        return by_policy;
      case PrincipalMatch::none:
        break;
    }
    return false;
  };
  const bool by_grantee =
      std::ranges::count(grant.operations, api::GrantOperation::retire_grant) != 0;
  const bool allowed = covers(grant.retiring_principal) ||
                       (by_grantee && covers(grant.grantee_principal)) ||
                       (by_policy && caller.account == grant.issuing_account);
  if (allowed && decision != PolicyDecision::explicit_deny) return {std::move(key), action};
  if (foreign) deny_foreign(caller, action);
  deny(caller, action, key->arn(),
       decision == PolicyDecision::explicit_deny
           ? std::string("with an explicit deny in an identity-based policy")
           : "because no identity-based policy allows the " + action.str() + " action");
}

void Authorizer::authorize_account(const Caller& caller, keys::Action action,
                                   const RequestContext& /*context*/) const {
  check_identity_policies(caller, action, "*");
}

void Authorizer::deny_foreign(const Caller& caller, keys::Action action) {
  throw api::access_denied(
      not_authorized(caller, action).append(" on this resource").append(kForeign));
}

void Authorizer::deny_ciphertext(const Caller& caller, keys::Action action) {
  throw api::access_denied(not_authorized(caller, action)
                               .append(" on the resource associated with this ciphertext")
                               .append(kForeign));
}

keys::AuthorizedKey Authorizer::for_service(keys::KeyPtr key, keys::Action action) {
  return {std::move(key), action};
}

}  // namespace kms::auth
