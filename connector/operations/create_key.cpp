#include "connector/operations/create_key.h"

#include <string>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/keys/key_spec.h"
#include "connector/operations/key_policies.h"
#include "connector/operations/new_material.h"
#include "connector/operations/operation.h"
#include "connector/operations/tags.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;
using api::KeySpec;
using api::KeyUsageType;
using api::OriginType;

KeySpec spec_of(const api::CreateKeyRequest& in) {
  if (in.key_spec && in.customer_master_key_spec) {
    throw api::validation_error(
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
        "CustomerMasterKeySpec is "
        "deprecated.");
  }
  if (in.customer_master_key_spec) {
    return api::from_string<KeySpec>(api::to_string(*in.customer_master_key_spec)).value();
  }
  return in.key_spec.value_or(KeySpec::symmetric_default);
}

KeyUsageType usage_of(const api::CreateKeyRequest& in, const keys::KeySpecRow& row) {
  if (!in.key_usage && row.spec != KeySpec::symmetric_default) {
    throw api::validation_error(
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  }
  const KeyUsageType usage = in.key_usage.value_or(KeyUsageType::encrypt_decrypt);
  if (!keys::allows(row, usage)) {
    throw api::validation_error("KeyUsage " + std::string(api::to_string(usage)) +
                                " is not compatible with KeySpec " +
                                std::string(api::to_string(row.spec)));
  }
  return usage;
}

void check_origin(const api::CreateKeyRequest& in, OriginType origin) {
  const bool in_store =
      origin == OriginType::aws_cloudhsm || origin == OriginType::external_key_store;
  if (in_store && !in.custom_key_store_id) {
    throw api::validation_error("Origin " + std::string(api::to_string(origin)) +
                                " requires a CustomKeyStoreId.");
  }
  if (!in_store && in.custom_key_store_id) {
    throw api::validation_error("Origin " + std::string(api::to_string(origin)) +
                                " is not valid with a CustomKeyStoreId.");
  }
  if (in.xks_key_id && origin != OriginType::external_key_store) {
    throw api::validation_error("XksKeyId is valid only with Origin EXTERNAL_KEY_STORE.");
  }
  if (origin == OriginType::external_key_store) {
    throw api::unsupported_operation("External key stores are not supported yet.");
  }
}

bool can_be_imported(KeySpec spec) {
  return spec != KeySpec::ml_dsa_44 && spec != KeySpec::ml_dsa_65 && spec != KeySpec::ml_dsa_87;
}

void check_supported(const api::CreateKeyRequest& in, const keys::KeySpecRow& row) {
  const std::string spec(api::to_string(row.spec));
  if (in.origin == OriginType::external && !can_be_imported(row.spec)) {
    throw api::unsupported_operation("KeySpec " + spec + " is not supported for Origin EXTERNAL");
  }
  if (!row.kind) {
    throw api::unsupported_operation("KeySpec " + spec + " is not supported in this Region");
  }
  if (in.custom_key_store_id && row.spec != KeySpec::symmetric_default) {
    throw api::unsupported_operation("KeySpec " + spec +
                                     " is not supported in a custom key store.");
  }
  if (in.custom_key_store_id && in.multi_region.value_or(false)) {
    throw api::unsupported_operation("Multi-Region keys are not supported in a custom key store.");
  }
}

/// What lives as an object in its token has no way into another.
void check_can_travel(keystores::KeyStore& store, const keys::KeySpecRow& row,
                      pkcs11::Deadline deadline) {
  if (store.reserve(*row.kind, deadline)) {
    throw api::unsupported_operation("KeySpec " + std::string(api::to_string(row.spec)) +
                                     " is not supported for multi-Region keys in this Region");
  }
}

api::CreateKeyResponse create_key(Call& call, const api::CreateKeyRequest& in) {
  const keys::KeySpecRow& row = keys::key_spec(spec_of(in));
  const KeyUsageType usage = usage_of(in, row);
  const OriginType origin = in.origin.value_or(OriginType::aws_kms);
  call.record().request_parameters = create_key_parameters(in, row.spec, usage, origin);
  check_origin(in, origin);
  check_supported(in, row);
  const bool tagged = in.tags && !in.tags->empty();
  if (tagged) check_tags(*in.tags, call.limits().tags_per_key);
  call.authorize_account();
  if (tagged) call.authorize_tagging_on_create();
  if (row.modulus_size != 0) call.expect_rsa_generation();
  const auto store = in.custom_key_store_id
                         ? call.key_stores().custom(call.scope(), *in.custom_key_store_id)
                         : call.key_stores().region(call.scope().region);

  keys::KeyRecord key;
  key.scope = call.scope();
  if (in.multi_region.value_or(false)) {
    check_can_travel(*store, row, call.deadline());
    key.id = "mrk-" + make_hex_id(call.random(), 16);
    key.multi_region = keys::MultiRegion{.primary_region = key.scope.region, .replica_regions = {}};
  } else {
    key.id = make_uuid(call.random());
  }
  key.spec = row.spec;
  key.usage = usage;
  key.origin = origin;
  key.description = in.description.value_or("");
  key.created = call.now();
  key.custom_key_store_id = in.custom_key_store_id.value_or("");
  if (tagged) merge_tags(key.tags, *in.tags);
  if (in.policy) {
    key.policy = check_policy(call, key, *in.policy, in.bypass_policy_lockout_safety_check);
  }
  check_key_quota(call, call.scope());
  if (origin == OriginType::external) {
    // Only to know that the token can hold such material: it refuses what it cannot.
    static_cast<void>(store->reserve(*row.kind, call.deadline()));
    key.state = keys::StoredState::pending_import;
  } else {
    key.current_material = make_material_id(call.random());
    key.materials = {{.id = key.current_material, .created = key.created}};
    make_last_material(call.context(), *store, *row.kind, key, call.deadline());
    key.state = keys::StoredState::enabled;
  }
  call.touches(key.arn(), key.scope.account);
  api::CreateKeyResponse response{.key_metadata = call.metadata(key)};
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}}, response);
  return response;
}

}  // namespace

void check_key_quota(const Call& call, const Scope& scope) {
  if (call.store().key_count(scope) >= call.limits().keys_per_account) {
    throw Error(ErrorCode::limit_exceeded,
                "The number of KMS keys in this account and Region is at its limit.");
  }
}

std::string create_key_parameters(api::CreateKeyRequest in, KeySpec spec, KeyUsageType usage,
                                  OriginType origin) {
  in.key_spec = spec;
  in.customer_master_key_spec = api::from_string<api::CustomerMasterKeySpec>(api::to_string(spec));
  in.key_usage = usage;
  in.origin = origin;
  return api::request_parameters(in);
}

extern const Operation kCreateKey;
constinit const Operation kCreateKey = operation<create_key>("CreateKey");

}  // namespace kms::operations
