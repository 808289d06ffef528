#include "connector/operations/data_key.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateDataKeyResponse generate_data_key(Call& call, const api::GenerateDataKeyRequest& in) {
  Call::refuse_recipient(in.recipient);
  auto made = make_data_key(call, {.key_id = in.key_id,
                                   .encryption_context = in.encryption_context,
                                   .number_of_bytes = in.number_of_bytes,
                                   .key_spec = in.key_spec,
                                   .grant_tokens = in.grant_tokens,
                                   .dry_run = in.dry_run});
  return {.ciphertext_blob = api::Blob(std::move(made.data_key.ciphertext)),
          .plaintext = std::move(made.data_key.plaintext),
          .key_id = std::move(made.key_arn),
          .key_material_id = std::move(made.data_key.material_id)};
}

}  // namespace

extern const Operation kGenerateDataKey;
constinit const Operation kGenerateDataKey = operation<generate_data_key>("GenerateDataKey");

}  // namespace kms::operations
