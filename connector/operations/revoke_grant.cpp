#include "connector/operations/grants.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void revoke_grant(Call& call, const api::RevokeGrantRequest& in) {
  check_grant_id(in.grant_id);
  const auto key = call.manage(in.key_id);
  const keys::GrantPtr grant = existing_grant(call, key.record(), in.grant_id);
  call.end_dry_run(in.dry_run);
  call.commit({storage::Erase<keys::GrantRecord>{*grant}});
}

}  // namespace

extern const Operation kRevokeGrant;
constinit const Operation kRevokeGrant = operation<revoke_grant>("RevokeGrant");

}  // namespace kms::operations
