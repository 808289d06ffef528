#include "connector/operations/encryption.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::DecryptResponse decrypt(Call& call, const api::DecryptRequest& in) {
  Call::refuse_recipient(in.recipient);
  auto opened = open_ciphertext(call, {.ciphertext = in.ciphertext_blob,
                                       .key_id = in.key_id,
                                       .encryption_context = in.encryption_context,
                                       .grant_tokens = in.grant_tokens,
                                       .algorithm = in.encryption_algorithm,
                                       .dry_run = in.dry_run,
                                       .dry_run_modifiers = in.dry_run_modifiers,
                                       .action = "Decrypt"});
  call.end_dry_run(in.dry_run);
  call.used(opened->key);
  return {.key_id = opened->key.arn(),
          .plaintext = std::move(opened->plaintext),
          .encryption_algorithm = opened->algorithm,
          .key_material_id = std::move(opened->material_id)};
}

}  // namespace

extern const Operation kDecrypt;
constinit const Operation kDecrypt = operation<decrypt>("Decrypt");

}  // namespace kms::operations
