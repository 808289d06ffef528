#include "connector/api/error.h"
#include "connector/operations/operation.h"
#include "connector/operations/signing.h"

namespace kms::operations {
namespace {

// As with AWS, SignatureValid is never false, and a dry run does not look at the signature.
api::VerifyResponse verify(Call& call, const api::VerifyRequest& in) {
  const Signing signing = prepare_signing(call, {.key_id = in.key_id,
                                                 .message = in.message,
                                                 .message_type = in.message_type,
                                                 .algorithm = in.signing_algorithm,
                                                 .grant_tokens = in.grant_tokens,
                                                 .dry_run = in.dry_run});
  if (!signing.store->verify(signing.key, signing.scheme, signing.form, in.message.view(),
                             in.signature.view(), call.deadline())) {
    throw api::Error(api::ErrorCode::kms_invalid_signature);
  }
  call.used(signing.key);
  return {.key_id = signing.key.arn(),
          .signature_valid = true,
          .signing_algorithm = in.signing_algorithm};
}

}  // namespace

extern const Operation kVerify;
constinit const Operation kVerify = operation<verify>("Verify");

}  // namespace kms::operations
