#include "connector/operations/data_key.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateDataKeyWithoutPlaintextResponse generate_data_key_without_plaintext(
    Call& call, const api::GenerateDataKeyWithoutPlaintextRequest& in) {
  auto made = make_data_key(call, {.key_id = in.key_id,
                                   .encryption_context = in.encryption_context,
                                   .number_of_bytes = in.number_of_bytes,
                                   .key_spec = in.key_spec,
                                   .grant_tokens = in.grant_tokens,
                                   .dry_run = in.dry_run});
  return {.ciphertext_blob = api::Blob(std::move(made.data_key.ciphertext)),
          .key_id = std::move(made.key_arn),
          .key_material_id = std::move(made.data_key.material_id)};
}

}  // namespace

extern const Operation kGenerateDataKeyWithoutPlaintext;
constinit const Operation kGenerateDataKeyWithoutPlaintext =
    operation<generate_data_key_without_plaintext>("GenerateDataKeyWithoutPlaintext");

}  // namespace kms::operations
