#include <utility>
#include <variant>

#include "connector/api/error.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GetPublicKeyResponse get_public_key(Call& call, const api::GetPublicKeyRequest& in) {
  const auto key = call.authorize(in.key_id, {.grant_tokens = &in.grant_tokens});
  call.check_state(key);
  const keys::Material* material = key.record().material(key.record().current_material);
  if (material == nullptr || material->generations.empty()) throw api::internal_error();
  Bytes public_key = std::visit([](const auto& made) { return made.public_key; },
                                material->generations.back().ref);
  // A secret key. AWS gives no message here.
  if (public_key.empty()) throw api::Error(api::ErrorCode::unsupported_operation);
  api::KeyMetadata metadata = call.metadata(key.record());
  return {.key_id = key.arn(),
          .public_key = api::Blob(std::move(public_key)),
          .customer_master_key_spec = metadata.customer_master_key_spec,
          .key_spec = metadata.key_spec,
          .key_usage = metadata.key_usage,
          .encryption_algorithms = std::move(metadata.encryption_algorithms),
          .signing_algorithms = std::move(metadata.signing_algorithms),
          .key_agreement_algorithms = std::move(metadata.key_agreement_algorithms)};
}

}  // namespace

extern const Operation kGetPublicKey;
constinit const Operation kGetPublicKey = operation<get_public_key>("GetPublicKey");

}  // namespace kms::operations
