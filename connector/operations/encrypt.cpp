#include "connector/operations/encryption.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::EncryptResponse encrypt(Call& call, const api::EncryptRequest& in) {
  check_context_size(in.encryption_context);
  const Sealing sealing = prepare_sealing(call,
                                          {.key_id = in.key_id,
                                           .encryption_context = in.encryption_context,
                                           .grant_tokens = in.grant_tokens,
                                           .algorithm = in.encryption_algorithm,
                                           .action = "Encrypt"},
                                          in.plaintext);
  call.end_dry_run(in.dry_run);
  Sealed sealed = seal(call, sealing, in.plaintext);
  call.used(sealing.key);
  return {.ciphertext_blob = api::Blob(std::move(sealed.ciphertext)),
          .key_id = sealing.key.arn(),
          .encryption_algorithm = sealing.algorithm};
}

}  // namespace

extern const Operation kEncrypt;
constinit const Operation kEncrypt = operation<encrypt>("Encrypt");

}  // namespace kms::operations
