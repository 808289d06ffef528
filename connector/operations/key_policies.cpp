#include "connector/operations/key_policies.h"

#include <algorithm>

#include "connector/api/error.h"
#include "connector/auth/policy.h"
#include "connector/keys/default_policy.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t kMaxBytes = 32768;  // a fixed quota of KMS

auth::Policy parse(const std::string& policy) {
  try {
    return auth::parse_policy(policy, auth::PolicyKind::key);
  } catch (const auth::PolicyError& error) {
    throw Error(error.fault() == auth::PolicyError::Fault::invalid_arn
                    ? ErrorCode::invalid_arn
                    : ErrorCode::malformed_policy_document,
                error.what());
  }
}

bool exists(const Call& call, const auth::Identities& identities, const std::string& principal) {
  return principal == "*" || identities.knows(identities.shown(principal)) ||
         std::ranges::count(call.config().accounts, principal) != 0;
}

void check_principals(const Call& call, const auth::Identities& identities,
                      const auth::Policy& policy) {
  for (const auth::Statement& statement : policy.statements) {
    const bool known = std::ranges::all_of(
        statement.principals->aws,
        [&](const std::string& principal) { return exists(call, identities, principal); });
    if (!known) {
      throw Error(ErrorCode::malformed_policy_document,
                  "Policy contains a statement with one or more invalid principals.");
    }
  }
}

void check_resources(const auth::Policy& policy) {
  for (const auth::Statement& statement : policy.statements) {
    for (const std::string& resource : statement.resources->patterns) {
      if (auth::missing_arn_fields(resource) == 0) continue;
      throw Error(ErrorCode::malformed_policy_document, auth::not_an_arn(resource));
    }
  }
}

/// The policy with other names for its principals.
template <class Rename>
std::string renamed(auth::Policy policy, const Rename& rename) {
  for (auth::Statement& statement : policy.statements) {
    for (std::string& principal : statement.principals->aws) principal = rename(principal);
  }
  return auth::to_text(policy);
}

}  // namespace

std::string check_policy(const Call& call, const keys::KeyRecord& key, const std::string& policy,
                         const std::optional<bool>& bypass) {
  if (policy.size() > kMaxBytes) {
    throw Error(ErrorCode::limit_exceeded,
                "The key policy is longer than " + std::to_string(kMaxBytes) + " bytes.");
  }
  const auth::Policy parsed = parse(policy);
  const auto identities = call.context().identities.current();
  check_resources(parsed);
  check_principals(call, *identities, parsed);
  if (!bypass.value_or(false)) call.check_keeps_control(key, parsed);
  return renamed(parsed, [&](const std::string& name) { return identities->remembered(name); });
}

std::string policy_text(const Call& call, const keys::KeyRecord& key) {
  if (key.policy.empty()) return keys::default_policy(key.scope.account);
  const auto identities = call.context().identities.current();
  return renamed(parse(key.policy),
                 [&](const std::string& name) { return identities->shown(name); });
}

}  // namespace kms::operations
