#include "connector/operations/data_key_pair.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateDataKeyPairWithoutPlaintextResponse generate_data_key_pair_without_plaintext(
    Call& call, const api::GenerateDataKeyPairWithoutPlaintextRequest& in) {
  auto made = make_data_key_pair(call, {.key_id = in.key_id,
                                        .encryption_context = in.encryption_context,
                                        .key_pair_spec = in.key_pair_spec,
                                        .grant_tokens = in.grant_tokens,
                                        .dry_run = in.dry_run});
  return {.private_key_ciphertext_blob = api::Blob(std::move(made.pair.ciphertext)),

          .public_key = api::Blob(std::move(made.pair.public_key)),
          .key_id = std::move(made.key_arn),
          .key_pair_spec = in.key_pair_spec,
          .key_material_id = std::move(made.pair.material_id)};
}

}  // namespace

extern const Operation kGenerateDataKeyPairWithoutPlaintext;
constinit const Operation kGenerateDataKeyPairWithoutPlaintext =
    operation<generate_data_key_pair_without_plaintext>("GenerateDataKeyPairWithoutPlaintext");

}  // namespace kms::operations
