#include "connector/operations/operation.h"
#include "connector/operations/signing.h"

namespace kms::operations {
namespace {

api::SignResponse sign(Call& call, const api::SignRequest& in) {
  const Signing signing = prepare_signing(call, {.key_id = in.key_id,
                                                 .message = in.message,
                                                 .message_type = in.message_type,
                                                 .algorithm = in.signing_algorithm,
                                                 .grant_tokens = in.grant_tokens,
                                                 .dry_run = in.dry_run});
  Bytes signature = signing.store->sign(signing.key, signing.scheme, signing.form,
                                        in.message.view(), call.deadline());
  call.used(signing.key);
  return {.key_id = signing.key.arn(),
          .signature = api::Blob(std::move(signature)),
          .signing_algorithm = in.signing_algorithm};
}

}  // namespace

extern const Operation kSign;
constinit const Operation kSign = operation<sign>("Sign");

}  // namespace kms::operations
