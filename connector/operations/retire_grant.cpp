#include "connector/api/error.h"
#include "connector/base/encodings.h"
#include "connector/operations/grants.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

keys::GrantPtr grant_of(Call& call, const std::string& key_id, const std::string& grant_id) {
  const keys::KeyPtr key = call.find_key(key_id, {.accepts = Accepts::key_only});
  const bool foreign = key->scope.account != call.scope().account;
  if (foreign && !call.store().grant(key->scope, key->id, grant_id)) {
    auth::Authorizer::deny_foreign(call.caller(), keys::Action{call.operation()});
  }
  return existing_grant(call, *key, grant_id);
}

void retire_grant(Call& call, const api::RetireGrantRequest& in) {
  const bool by_id = in.key_id && in.grant_id;
  if (by_id == in.grant_token.has_value() || in.key_id.has_value() != in.grant_id.has_value()) {
    throw api::validation_error("Grant token OR (grant ID, key ID) must be specified");
  }
  if (by_id) check_grant_id(*in.grant_id);
  const keys::GrantPtr grant =
      by_id ? grant_of(call, *in.key_id, *in.grant_id) : call.grant_of_token(*in.grant_token);
  call.authorize_retirement(grant);
  call.end_dry_run(in.dry_run);
  call.record().additional_event_data = {{"grantId", json_string(grant->id)}};
  call.commit({storage::Erase<keys::GrantRecord>{*grant}});
}

}  // namespace

extern const Operation kRetireGrant;
constinit const Operation kRetireGrant = operation<retire_grant>("RetireGrant");

}  // namespace kms::operations
