#include "connector/api/error.h"
#include "connector/keys/key_spec.h"
#include "connector/operations/aliases.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

enum class Family { symmetric, asymmetric, mac };

Family family_of(const keys::KeyRecord& key) {
  if (key.spec == api::KeySpec::symmetric_default) return Family::symmetric;
  return keys::key_spec(key.spec).mac.empty() ? Family::asymmetric : Family::mac;
}

void check_same_kind(const std::string& arn, const keys::KeyRecord& current,
                     const keys::KeyRecord& next) {
  if (current.usage != next.usage) {
    throw api::validation_error(
        "Alias " + arn + " cannot be changed from a CMK with key usage " +
        std::string(api::to_string(current.usage)) + " to a CMK with key usage " +
        std::string(api::to_string(next.usage)) +
        ". The key usage of the current CMK and the new CMK must be the same.");
  }
  if (family_of(current) != family_of(next)) {
    throw api::validation_error(
        "Alias " + arn + " cannot be changed from a CMK with key spec " +
        std::string(api::to_string(current.spec)) + " to a CMK with key spec " +
        std::string(api::to_string(next.spec)) +
        ". The current CMK and the new CMK must be both symmetric, both asymmetric or "
        "both HMAC.");
  }
}

void update_alias(Call& call, const api::UpdateAliasRequest& in) {
  check_alias_name(in.alias_name);
  check_alias_target(call, in.target_key_id);
  call.authorize_account({}, alias_arn(call.scope(), in.alias_name));
  keys::AliasRecord alias = existing_alias(call, in.alias_name);
  const auto key = call.manage(in.target_key_id);
  if (alias.target_key_id != key.record().id) {
    const keys::KeyPtr current = call.store().key(alias.scope, alias.target_key_id);
    if (current) {
      static_cast<void>(call.authorize_also(current));
      check_same_kind(alias.arn(), *current, key.record());
    }
    check_alias_limit(call, key.record());
  }
  call.touches(alias.arn(), alias.scope.account);
  alias.target_key_id = key.record().id;
  alias.updated = call.now();
  call.commit({storage::Put<keys::AliasRecord>{std::move(alias)}});
}

}  // namespace

extern const Operation kUpdateAlias;
constinit const Operation kUpdateAlias = operation<update_alias>("UpdateAlias");

}  // namespace kms::operations
