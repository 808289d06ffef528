#include "connector/operations/grants.h"

#include <algorithm>

#include "connector/api/error.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t kGrantIdDigits = 64;

}  // namespace

void check_grant_id(const std::string& id) {
  const bool well_formed = id.size() == kGrantIdDigits && std::ranges::all_of(id, [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                           });
  if (!well_formed) throw Error(ErrorCode::invalid_grant_id, "Invalid grant ID " + id);
}

std::string grant_principal(const Call& call, const std::string& arn) {
  const auto identities = call.context().identities.current();
  if (!identities->knows(arn)) {
    throw Error(ErrorCode::invalid_arn, "ARN does not refer to a valid principal: " + arn);
  }
  return identities->remembered(arn);
}

keys::GrantPtr existing_grant(const Call& call, const keys::KeyRecord& key, const std::string& id) {
  keys::GrantPtr grant = call.store().grant(key.scope, key.id, id);
  if (!grant) throw api::not_found("Grant ID " + id + " not found");
  return grant;
}

api::GrantListEntry grant_entry(const Call& call, const keys::GrantRecord& grant) {
  const auto identities = call.context().identities.current();
  api::GrantListEntry entry{.key_id = key_arn(grant.scope, grant.key_id),
                            .grant_id = grant.id,
                            .name = grant.name,
                            .creation_date = grant.created,
                            .grantee_principal = identities->shown(grant.grantee_principal),
                            .issuing_account = "arn:aws:iam::" + grant.issuing_account + ":root",
                            .operations = grant.operations};
  if (!grant.retiring_principal.empty()) {
    entry.retiring_principal = identities->shown(grant.retiring_principal);
  }
  if (grant.constraints != api::GrantConstraints{}) entry.constraints = grant.constraints;
  return entry;
}

}  // namespace kms::operations
