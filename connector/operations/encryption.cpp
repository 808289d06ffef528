#include "connector/operations/encryption.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/keys/key_spec.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

bool ignores_ciphertext(const Source& source) {
  const bool ignore = source.dry_run_modifiers &&
                      std::ranges::count(*source.dry_run_modifiers,
                                         api::DryRunModifierType::ignore_ciphertext) != 0;
  if (ignore && !source.dry_run.value_or(false)) {
    throw api::validation_error("DryRunModifiers can be specified only when DryRun is true.");
  }
  return ignore;
}

[[noreturn]] void refuse_missing(std::string_view member) {
  throw api::validation_error("1 validation error detected: Value null at '" + std::string(member) +
                              "' failed to satisfy constraint: Member must not be null");
}

Use use_of(const Source& source) {
  return {.action = source.action,
          .encryption_context = &source.encryption_context,
          .grant_tokens = &source.grant_tokens};
}

/// The named key, or that of the ciphertext. AWS looks inside the ciphertext before it looks at the
/// named key's usage: another key's ciphertext is IncorrectKeyException even where the usage is
/// wrong too.
keys::AuthorizedKey authorize_source(Call& call, const Source& source,
                                     const std::optional<keys::Ciphertext>& ciphertext) {
  if (!source.key_id) {
    if (!ciphertext) throw Error(ErrorCode::invalid_ciphertext);
    return call.authorize(ciphertext->header, use_of(source));
  }
  keys::AuthorizedKey key = call.authorize(*source.key_id, use_of(source));
  const bool same = !ciphertext || (ciphertext->header.key_id == key.record().id &&
                                    ciphertext->header.account == key.record().scope.account);
  if (!same) {
    throw Error(
        ErrorCode::incorrect_key,
        "The key ID in the request does not identify a CMK that can perform this operation.");
  }
  return key;
}

}  // namespace

api::EncryptionAlgorithmSpec check_algorithm(
    const keys::AuthorizedKey& key, const std::optional<api::EncryptionAlgorithmSpec>& algorithm) {
  const auto wanted = algorithm.value_or(api::EncryptionAlgorithmSpec::symmetric_default);
  const keys::KeySpecRow& row = keys::key_spec(key.record().spec);
  if (std::ranges::find(row.encryption, wanted) == row.encryption.end()) {
    throw Error(ErrorCode::invalid_key_usage, "Algorithm " + std::string(api::to_string(wanted)) +
                                                  " is incompatible with key spec " +
                                                  std::string(api::to_string(row.spec)) + ".");
  }
  return wanted;
}

std::optional<Opened> open_ciphertext(Call& call, const Source& source) {
  const bool ignore = ignores_ciphertext(source);
  if (!source.ciphertext && !ignore) refuse_missing("ciphertextBlob");
  const bool symmetric =
      source.algorithm.value_or(api::EncryptionAlgorithmSpec::symmetric_default) ==
      api::EncryptionAlgorithmSpec::symmetric_default;
  if (!source.key_id && (ignore || !symmetric))
    throw api::validation_error("KeyId must not be null");
  check_context_size(source.encryption_context);

  const auto ciphertext =
      ignore || !symmetric ? std::nullopt : keys::parse_ciphertext(source.ciphertext->view());
  keys::AuthorizedKey key = authorize_source(call, source, ciphertext);
  call.check_usage(key, api::KeyUsageType::encrypt_decrypt);
  call.check_state(key);
  const auto algorithm = check_algorithm(key, source.algorithm);
  if (ignore) return std::nullopt;
  if (!ciphertext) throw Error(ErrorCode::invalid_ciphertext);
  auto plaintext =
      call.key_stores()
          .of(key.record())
          ->decrypt(key, *ciphertext, context_of(source.encryption_context), call.deadline());
  if (!plaintext) throw Error(ErrorCode::invalid_ciphertext);
  return Opened{.key = std::move(key),
                .plaintext = std::move(*plaintext),
                .algorithm = algorithm,
                .material_id = ciphertext->header.material_id};
}

}  // namespace kms::operations
