#include "connector/operations/data_key_pair.h"

#include "connector/api/error.h"
#include "connector/keys/key_spec.h"
#include "connector/keys/key_state.h"
#include "connector/operations/data_key.h"

namespace kms::operations {
namespace {

const keys::KeySpecRow& spec_of(api::DataKeyPairSpec pair_spec) {
  const std::string_view name = api::to_string(pair_spec);
  const auto spec = api::from_string<api::KeySpec>(name);
  if (!spec || !keys::key_spec(*spec).kind) {
    throw api::unsupported_operation("KeyPairSpec " + std::string(name) +
                                     " is not supported in this Region");
  }
  return keys::key_spec(*spec);
}

}  // namespace

MadeDataKeyPair make_data_key_pair(Call& call, const DataKeyPairRequest& request) {
  check_context_size(request.encryption_context);
  call.admit(call.scope(), request.key_pair_spec);
  const auto key = call.authorize(
      request.key_id,
      {.encryption_context = &request.encryption_context, .grant_tokens = &request.grant_tokens});
  check_makes_data_keys(call, key);
  if (!key.record().custom_key_store_id.empty()) keys::refuse_origin(key.record());
  const keys::KeySpecRow& spec = spec_of(request.key_pair_spec);
  call.end_dry_run(request.dry_run);
  if (spec.modulus_size != 0) call.expect_rsa_generation();
  auto pair = call.key_stores()
                  .of(key.record())
                  ->generate_data_key_pair(key, *spec.kind, context_of(request.encryption_context),
                                           call.deadline());
  call.used(key);
  return {.key_arn = key.arn(), .pair = std::move(pair)};
}

}  // namespace kms::operations
