#include "connector/api/error.h"
#include "connector/keys/ciphertext.h"
#include "connector/operations/encryption.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

/// Whether source and destination are one key, for policies on that; what does not exist is refused
/// later.
bool is_same_key(const Call& call, const api::ReEncryptRequest& in) {
  try {
    const keys::KeyPtr destination = call.find_key(in.destination_key_id, {});
    const auto ciphertext =
        in.ciphertext_blob ? keys::parse_ciphertext(in.ciphertext_blob->view()) : std::nullopt;
    keys::KeyPtr source;
    if (ciphertext && tells_key(call, *ciphertext, in.source_key_id)) {
      source = call.key_of(ciphertext->header);
    } else if (in.source_key_id) {
      source = call.find_key(*in.source_key_id, {});
    }
    return source && source->arn() == destination->arn();
  } catch (const api::Error&) {
    return false;
  }
}

// The whole source side first, then the destination, as AWS does.
api::ReEncryptResponse re_encrypt(Call& call, const api::ReEncryptRequest& in) {
  check_context_size(in.destination_encryption_context);
  const bool same_key = is_same_key(call, in);
  const auto opened = open_ciphertext(call, {.ciphertext = in.ciphertext_blob,
                                             .key_id = in.source_key_id,
                                             .encryption_context = in.source_encryption_context,
                                             .grant_tokens = in.grant_tokens,
                                             .algorithm = in.source_encryption_algorithm,
                                             .dry_run = in.dry_run,
                                             .dry_run_modifiers = in.dry_run_modifiers,
                                             .action = "ReEncryptFrom",
                                             .same_key = same_key});
  const Target target{.key_id = in.destination_key_id,
                      .encryption_context = in.destination_encryption_context,
                      .grant_tokens = in.grant_tokens,
                      .algorithm = in.destination_encryption_algorithm,
                      .action = "ReEncryptTo",
                      .same_key = same_key};
  if (!opened) {
    static_cast<void>(authorize_target(call, target));
    call.end_dry_run(in.dry_run);  // throws: only dry runs do without the ciphertext
  }
  const Sealing sealing = prepare_sealing(call, target, opened->plaintext);
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
