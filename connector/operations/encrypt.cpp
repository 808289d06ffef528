#include "connector/operations/encryption.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::EncryptResponse encrypt(Call& call, const api::EncryptRequest& in) {
  check_context_size(in.encryption_context);
  const auto key = call.authorize(
      in.key_id, {.encryption_context = &in.encryption_context, .grant_tokens = &in.grant_tokens});
  call.check_usage(key, api::KeyUsageType::encrypt_decrypt);
  call.check_state(key);
  const auto algorithm = check_algorithm(key, in.encryption_algorithm);
  call.end_dry_run(in.dry_run);
  auto encrypted =
      call.key_stores()
          .of(key.record())
          ->encrypt(key, in.plaintext.view(), context_of(in.encryption_context), call.deadline());
  call.used(key);
  return {.ciphertext_blob = api::Blob(std::move(encrypted.ciphertext)),
          .key_id = key.arn(),
          .encryption_algorithm = algorithm};
}

}  // namespace

extern const Operation kEncrypt;
constinit const Operation kEncrypt = operation<encrypt>("Encrypt");

}  // namespace kms::operations
