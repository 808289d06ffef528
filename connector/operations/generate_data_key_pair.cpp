#include "connector/operations/data_key_pair.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateDataKeyPairResponse generate_data_key_pair(Call& call,
                                                        const api::GenerateDataKeyPairRequest& in) {
  Call::refuse_recipient(in.recipient);
  auto made = make_data_key_pair(call, {.key_id = in.key_id,
                                        .encryption_context = in.encryption_context,
                                        .key_pair_spec = in.key_pair_spec,
                                        .grant_tokens = in.grant_tokens,
                                        .dry_run = in.dry_run});
  return {.private_key_ciphertext_blob = api::Blob(std::move(made.pair.ciphertext)),
          .private_key_plaintext = std::move(made.pair.private_key),
          .public_key = api::Blob(std::move(made.pair.public_key)),
          .key_id = std::move(made.key_arn),
          .key_pair_spec = in.key_pair_spec,
          .key_material_id = std::move(made.pair.material_id)};
}

}  // namespace

extern const Operation kGenerateDataKeyPair;
constinit const Operation kGenerateDataKeyPair =
    operation<generate_data_key_pair>("GenerateDataKeyPair");

}  // namespace kms::operations
