#include "connector/operations/encryption.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

// The whole source side first, then the destination, as AWS does.
api::ReEncryptResponse re_encrypt(Call& call, const api::ReEncryptRequest& in) {
  check_context_size(in.destination_encryption_context);
  const auto opened = open_ciphertext(call, {.ciphertext = in.ciphertext_blob,
                                             .key_id = in.source_key_id,
                                             .encryption_context = in.source_encryption_context,
                                             .grant_tokens = in.grant_tokens,
                                             .algorithm = in.source_encryption_algorithm,
                                             .dry_run = in.dry_run,
                                             .dry_run_modifiers = in.dry_run_modifiers,
                                             .action = "ReEncryptFrom"});
  const Sealing sealing = prepare_sealing(call,
                                          {.key_id = in.destination_key_id,
                                           .encryption_context = in.destination_encryption_context,
                                           .grant_tokens = in.grant_tokens,
                                           .algorithm = in.destination_encryption_algorithm,
                                           .action = "ReEncryptTo"},
                                          opened ? &opened->plaintext : nullptr);
  call.end_dry_run(in.dry_run);
  Sealed sealed = seal(call, sealing, opened->plaintext);
  call.used(opened->key);
  call.used(sealing.key);
  return {.ciphertext_blob = api::Blob(std::move(sealed.ciphertext)),
          .source_key_id = opened->key.arn(),
          .key_id = sealing.key.arn(),
          .source_encryption_algorithm = opened->algorithm,
          .destination_encryption_algorithm = sealing.algorithm,
          .source_key_material_id = opened->material_id,
          .destination_key_material_id = std::move(sealed.material_id)};
}

}  // namespace

extern const Operation kReEncrypt;
constinit const Operation kReEncrypt = operation<re_encrypt>("ReEncrypt");

}  // namespace kms::operations
