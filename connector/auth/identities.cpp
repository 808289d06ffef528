#include "connector/auth/identities.h"

#include <algorithm>
#include <utility>

#include "config/load.h"
#include "connector/auth/principal.h"
#include "connector/base/arn.h"

namespace kms::auth {
namespace {

NamedPolicy parse(const config::Policy& policy, PolicyKind kind, const std::string& name) {
  try {
    return {.name = name, .policy = parse_policy(policy.json, kind)};
  } catch (const PolicyError& error) {
    const config::Place& place = policy.place_of(error.where());
    throw config::Error(policy.file, place.line, place.column, place.key_path, error.what());
  }
}

Principal::Type type_of(std::string_view arn) {
  if (arn.ends_with(":root")) return Principal::Type::root;
  return arn.find(":role/") != std::string_view::npos ? Principal::Type::role
                                                      : Principal::Type::user;
}

std::string root_arn(const std::string& partition, const std::string& account) {
  return "arn:" + partition + ":iam::" + account + ":root";
}

PrincipalPtr root_of(const std::string& partition, const std::string& account) {
  auto root = std::make_shared<Principal>();
  root->type = Principal::Type::root;
  root->arn = root_arn(partition, account);
  root->account = account;
  root->name = "root";
  root->unique_id = account;
  return root;
}

std::string role_key(std::string_view account, std::string_view name) {
  return std::string(account).append("/").append(name);
}

}  // namespace

Identities::Identities(const config::Config& config) : partition_(config.partition) {
  // Groups that nobody is in are checked all the same.
  for (const config::Group& group : config.groups) {
    for (const config::Policy& policy : group.policies) {
      static_cast<void>(parse(policy, PolicyKind::identity, policy.name));
    }
  }
  for (const config::Principal& principal : config.principals) add(config, principal);
  for (const std::string& account : config.accounts) {
    auto root = root_of(config.partition, account);
    principals_.try_emplace(root->arn, root);
  }
}

void Identities::add(const config::Config& config, const config::Principal& given) {
  auto principal = std::make_shared<Principal>();
  principal->type = type_of(given.arn);
  principal->arn = given.arn;
  principal->account = given.account;
  principal->name = given.name;
  principal->unique_id = given.unique_id;
  principal->tags = given.tags;
  principal->max_session_duration = given.max_session_duration;
  principal->sessions_not_before = given.sessions_not_before;
  for (const config::Policy& policy : given.policies) {
    principal->policies.push_back(parse(policy, PolicyKind::identity, policy.name));
  }
  for (const config::Group& group : config.groups) {
    if (std::ranges::count(given.groups, group.arn) == 0) continue;
    for (const config::Policy& policy : group.policies) {
      principal->policies.push_back(
          parse(policy, PolicyKind::identity, group.name + "/" + policy.name));
    }
  }
  if (const auto& boundary = given.permissions_boundary) {
    principal->boundary = parse(*boundary, PolicyKind::identity, boundary->name);
  }
  if (const auto& trust = given.trust_policy) {
    principal->trust_policy = parse(*trust, PolicyKind::trust, trust->name).policy;
  }
  for (const config::AccessKey& key : given.access_keys) {
    AccessKey& added = access_keys_[key.id];
    added.secret = key.secret.clone();
    added.caller = make_caller(principal, nullptr, key.id);
    added.active = key.active;
  }
  if (principal->type == Principal::Type::role) {
    roles_.emplace(role_key(principal->account, principal->name), principal);
  }
  if (is_unique_id(principal->unique_id)) by_unique_id_.emplace(principal->unique_id, principal);
  principals_.emplace(principal->arn, principal);
}

const Identities::AccessKey* Identities::access_key(std::string_view id) const {
  const auto found = access_keys_.find(id);
  return found == access_keys_.end() ? nullptr : &found->second;
}

PrincipalPtr Identities::principal(std::string_view arn) const {
  const auto found = principals_.find(arn);
  return found == principals_.end() ? nullptr : found->second;
}

PrincipalPtr Identities::role_of_session(std::string_view session_arn) const {
  const std::string name = role_name_of_session(session_arn);
  if (name.empty()) return nullptr;
  const auto parsed = Arn::parse(session_arn);
  if (parsed->partition != partition_) return nullptr;
  const auto found = roles_.find(role_key(parsed->account, name));
  return found == roles_.end() ? nullptr : found->second;
}

std::string Identities::remembered(const std::string& name) const {
  if (const std::string root = root_arn(partition_, name); principals_.contains(root)) return root;
  if (const PrincipalPtr known = principal(name)) {
    return is_unique_id(known->unique_id) ? known->unique_id : name;
  }
  const PrincipalPtr role = role_of_session(name);
  return role && is_unique_id(role->unique_id)
             ? role->unique_id + ":" + name.substr(name.rfind('/') + 1)
             : name;
}

std::string Identities::shown(const std::string& remembered) const {
  if (!is_unique_id(remembered)) return remembered;
  const auto colon = remembered.find(':');
  const auto found = by_unique_id_.find(remembered.substr(0, colon));
  if (found == by_unique_id_.end()) return remembered;
  return colon == std::string::npos
             ? found->second->arn
             : assumed_role_arn(*found->second, remembered.substr(colon + 1));
}

bool Identities::knows(std::string_view arn) const {
  if (!is_principal_arn(partition_, arn)) return false;
  const Arn parsed = *Arn::parse(arn);
  if (parsed.service == "iam") return principals_.contains(arn);
  if (!role_name_of_session(arn).empty()) return role_of_session(arn) != nullptr;
  return principals_.contains(root_arn(partition_, parsed.account));
}

}  // namespace kms::auth
