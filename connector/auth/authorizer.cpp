#include "connector/auth/authorizer.h"

#include <utility>

#include "connector/api/error.h"

namespace kms::auth {
namespace {

std::string not_authorized(const Caller& caller, keys::Action action) {
  return "User: " + caller.arn + " is not authorized to perform: " + action.str();
}

[[noreturn]] void deny(const Caller& caller, keys::Action action, std::string_view resource,
                       Reason reason) {
  std::string text = not_authorized(caller, action);
  text.append(" on resource: ").append(resource).append(" ").append(explain(reason, action));
  throw api::access_denied(std::move(text));
}

/// As which principals grants may mean the caller: itself, its role, its account.
std::vector<std::string> grantees(const Caller& caller) {
  std::vector<std::string> names{caller.principal_id, caller.arn};
  if (caller.principal && caller.principal->arn != caller.arn) {
    names.push_back(caller.principal->unique_id);
    names.push_back(caller.principal->arn);
  }
  Arn root = Arn::parse(caller.arn).value_or(Arn{});
  root.service = "iam";
  root.resource = "root";
  if (root.str() != caller.arn) names.push_back(root.str());
  return names;
}

keys::GrantPtr find_grant_for(const storage::MetadataStore& store, const keys::KeyRecord& key,
                              const Caller& caller, const KeyQuestion::Predicate& allows) {
  if (store.grant_count(key.scope, key.id) == 0) return nullptr;
  for (const std::string& grantee : grantees(caller)) {
    if (auto grant = store.find_grant_to(key.scope, key.id, grantee, allows)) return grant;
  }
  return nullptr;
}

constexpr std::string_view kForeign =
    " because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based "
    "policy explicitly denies access";

keys::AuthorizedKey checked(const Caller& caller, keys::Action action, keys::KeyPtr key,
                            const Decision& decision,
                            keys::AuthorizedKey (*make)(keys::KeyPtr, keys::Action)) {
  if (decision.allowed) return make(std::move(key), action);
  if (key->scope.account != caller.account) Authorizer::deny_foreign(caller, action);
  deny(caller, action, key->arn(), decision.reason);
}

}  // namespace

std::string explain(Reason reason, keys::Action action) {
  const auto nothing = [&](std::string_view kind) {
    return "because no " + std::string(kind) + " allows the " + action.str() + " action";
  };
  switch (reason) {
    case Reason::deny_in_key_policy:
      return "with an explicit deny in a resource-based policy";
    case Reason::deny_in_identity_policy:
      return "with an explicit deny in an identity-based policy";
    case Reason::deny_in_boundary:
      return "with an explicit deny in a permissions boundary";
    case Reason::deny_in_session_policy:
      return "with an explicit deny in a session policy";
    case Reason::no_key_policy:
    case Reason::not_across_accounts:
      return nothing("resource-based policy");
    case Reason::no_identity_policy:
      return nothing("identity-based policy");
    case Reason::no_boundary:
      return nothing("permissions boundary");
    case Reason::no_session_policy:
      return nothing("session policy");
    case Reason::key_policy:
      return "by the key policy";
    case Reason::identity_policy:
      return "by an identity-based policy";
    case Reason::grant:
    case Reason::retirement:
      return "by a grant";
  }
  return {};
}

std::vector<keys::GrantPtr> grants_for(const storage::MetadataStore& store,
                                       const keys::KeyRecord& key, const Caller& caller) {
  std::vector<keys::GrantPtr> grants;
  for (const std::string& grantee : grantees(caller)) {
    auto more = store.grants_to(key.scope, key.id, grantee);
    grants.insert(grants.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  }
  return grants;
}

std::optional<std::vector<std::string>> alias_names(const storage::MetadataStore& store,
                                                    const keys::KeyRecord& key, std::size_t limit) {
  const auto page = store.aliases_of_key(key.scope, key.id, "", limit);
  if (page.more) return std::nullopt;
  std::vector<std::string> names;
  for (const keys::AliasPtr& alias : page.items) names.push_back(alias->name);
  return names;
}

keys::AuthorizedKey Authorizer::authorize(const Caller& caller, keys::Action action,
                                          keys::KeyPtr key, const RequestContext& context,
                                          Decision& decision) const {
  const auto policy = policies_.of(*key);
  decision = decide({.caller = caller,
                     .action = action,
                     .key = *key,
                     .key_policy = *policy,
                     .find_grant =
                         [&](const KeyQuestion::Predicate& allows) {
                           return find_grant_for(store_, *key, caller, allows);
                         },
                     .context = context});
  return checked(caller, action, std::move(key), decision, for_service);
}

keys::AuthorizedKey Authorizer::authorize_retirement(const Caller& caller, keys::KeyPtr key,
                                                     const keys::GrantPtr& grant,
                                                     const RequestContext& context,
                                                     Decision& decision) const {
  constexpr keys::Action kAction{"RetireGrant"};
  const auto policy = policies_.of(*key);
  decision = decide_retirement(
      {.caller = caller, .action = kAction, .key = *key, .key_policy = *policy, .context = context},
      grant);
  return checked(caller, kAction, std::move(key), decision, for_service);
}

void Authorizer::authorize_account(const Caller& caller, keys::Action action,
                                   std::string_view resource, const RequestContext& context,
                                   Decision& decision) const {
  decision = decide_account(caller, action, resource, context);
  if (!decision.allowed) deny(caller, action, resource, decision.reason);
}

bool Authorizer::keeps_control(const Caller& caller, const keys::KeyRecord& key,
                               const Policy& policy, const RequestContext& context) {
  return decide({.caller = caller,
                 .action = {"PutKeyPolicy"},
                 .key = key,
                 .key_policy = policy,
                 .context = context})
      .allowed;
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
