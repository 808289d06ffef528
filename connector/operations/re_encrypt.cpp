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
  const auto destination = call.authorize(in.destination_key_id,
                                          {.action = "ReEncryptTo",
                                           .encryption_context = &in.destination_encryption_context,
                                           .grant_tokens = &in.grant_tokens});
  call.check_usage(destination, api::KeyUsageType::encrypt_decrypt);
  call.check_state(destination);
  const auto algorithm = check_algorithm(destination, in.destination_encryption_algorithm);
  call.end_dry_run(in.dry_run);
  auto encrypted = call.key_stores()
                       .of(destination.record())
                       ->encrypt(destination, opened->plaintext.view(),
                                 context_of(in.destination_encryption_context), call.deadline());
  call.used(opened->key);
  call.used(destination);
  return {.ciphertext_blob = api::Blob(std::move(encrypted.ciphertext)),
          .source_key_id = opened->key.arn(),
          .key_id = destination.arn(),
          .source_encryption_algorithm = opened->algorithm,
          .destination_encryption_algorithm = algorithm,
          .source_key_material_id = opened->material_id,
          .destination_key_material_id = std::move(encrypted.material_id)};
}

}  // namespace

extern const Operation kReEncrypt;
constinit const Operation kReEncrypt = operation<re_encrypt>("ReEncrypt");

}  // namespace kms::operations
