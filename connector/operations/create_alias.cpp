#include "connector/api/error.h"
#include "connector/operations/aliases.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void create_alias(Call& call, const api::CreateAliasRequest& in) {
  check_alias_name(in.alias_name);
  check_alias_target(call, in.target_key_id);
  const std::string arn = alias_arn(call.scope(), in.alias_name);
  call.authorize_account({}, arn);
  const auto key = call.manage(in.target_key_id);
  if (call.store().alias(call.scope(), in.alias_name)) {
    throw api::Error(api::ErrorCode::already_exists,
                     "An alias with the name " + arn + " already exists");
  }
  check_alias_limit(call, key.record());
  call.touches(arn, call.scope().account);
  const Timestamp now = call.now();
  call.commit({storage::Put<keys::AliasRecord>{{.scope = call.scope(),
                                                .name = in.alias_name,
                                                .target_key_id = key.record().id,
                                                .created = now,
                                                .updated = now}}});
}

}  // namespace

extern const Operation kCreateAlias;
constinit const Operation kCreateAlias = operation<create_alias>("CreateAlias");

}  // namespace kms::operations
