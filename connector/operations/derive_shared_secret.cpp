#include "connector/api/error.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::DeriveSharedSecretResponse derive_shared_secret(Call& call,
                                                     const api::DeriveSharedSecretRequest& in) {
  Call::refuse_recipient(in.recipient);
  const auto key = call.authorize(in.key_id, {.grant_tokens = &in.grant_tokens});
  call.check_usage(key, api::KeyUsageType::key_agreement);
  call.check_state(key);
  call.end_dry_run(in.dry_run);
  auto secret =
      call.key_stores().of(key.record())->derive(key, in.public_key.view(), call.deadline());
  // AWS gives no message here.
  if (!secret) throw api::Error(api::ErrorCode::validation);
  call.used(key);
  return {.key_id = key.arn(),
          .shared_secret = std::move(*secret),
          .key_agreement_algorithm = in.key_agreement_algorithm,
          .key_origin = key.record().origin};
}

}  // namespace

extern const Operation kDeriveSharedSecret;
constinit const Operation kDeriveSharedSecret =
    operation<derive_shared_secret>("DeriveSharedSecret");

}  // namespace kms::operations
