#include "connector/operations/encryption.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/keys/algorithms.h"

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
          .grant_tokens = &source.grant_tokens,
          .same_key = source.same_key};
}

/// The named key, or that of the ciphertext. AWS looks inside the ciphertext before it looks at the
/// named key's usage: another key's ciphertext is IncorrectKeyException even where the usage is
/// wrong too.
keys::AuthorizedKey authorize_source(Call& call, const Source& source,
                                     const std::optional<keys::Ciphertext>& ciphertext) {
  if (!source.key_id && !ciphertext) throw Error(ErrorCode::invalid_ciphertext);
  if (ciphertext && tells_key(call, *ciphertext, source.key_id)) {
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

/// The algorithm of the request, SYMMETRIC_DEFAULT if none, that the key must have; and no context
/// with an asymmetric one. `doing`: encrypting or decrypting.
const keys::EncryptionRow& check_algorithm(
    const keys::AuthorizedKey& key, const std::optional<api::EncryptionAlgorithmSpec>& algorithm,
    const std::optional<EncryptionContext>& context, std::string_view doing) {
  const auto wanted = algorithm.value_or(api::EncryptionAlgorithmSpec::symmetric_default);
  keys::check_algorithm(keys::key_spec(key.record().spec), wanted);
  const keys::EncryptionRow& row = keys::encryption_algorithm(wanted);
  if (row.hash && context && !context->empty()) {
    throw api::validation_error("EncryptionContext is not supported when " + std::string(doing) +
                                " with asymmetric CMKs.");
  }
  return row;
}

void check_size(const keys::KeySpecRow& spec, const keys::EncryptionRow& algorithm,
                std::size_t size) {
  const std::size_t most = keys::max_plaintext(spec, algorithm);
  if (size <= most) return;
  throw api::validation_error("Algorithm " + std::string(api::to_string(algorithm.algorithm)) +
                              " and key spec " + std::string(api::to_string(spec.spec)) +
                              " cannot encrypt data larger than " + std::to_string(most) +
                              " bytes.");
}

}  // namespace

bool tells_key(const Call& call, const keys::Ciphertext& ciphertext,
               const std::optional<std::string>& key_id) {
  if (!key_id) return true;
  if (!keys::is_key_id(*key_id)) return false;
  const keys::KeyReference named =
      keys::parse_key_reference(*key_id, call.scope(), Accepts::key_only);
  return named.key_id == ciphertext.header.key_id &&
         named.scope.account != ciphertext.header.account &&
         !call.visible_key(named.scope, named.key_id);
}

keys::AuthorizedKey authorize_target(Call& call, const Target& target) {
  return call.authorize(target.key_id, {.action = target.action,
                                        .encryption_context = &target.encryption_context,
                                        .grant_tokens = &target.grant_tokens,
                                        .same_key = target.same_key});
}

Sealing prepare_sealing(Call& call, const Target& target, const SecretBytes& plaintext) {
  auto key = authorize_target(call, target);
  call.check_usage(key, api::KeyUsageType::encrypt_decrypt);
  call.check_state(key);
  const auto& row = check_algorithm(key, target.algorithm, target.encryption_context, "encrypting");
  check_size(keys::key_spec(key.record().spec), row, plaintext.size());
  return {.key = std::move(key),
          .algorithm = row.algorithm,
          .encryption_context = context_of(target.encryption_context)};
}

Sealed seal(Call& call, const Sealing& sealing, const SecretBytes& plaintext) {
  const auto store = call.key_stores().of(sealing.key.record());
  if (const auto hash = keys::encryption_algorithm(sealing.algorithm).hash) {
    return {.ciphertext =
                store->rsa_encrypt(sealing.key, *hash, plaintext.view(), call.deadline())};
  }
  auto encrypted =
      store->encrypt(sealing.key, plaintext.view(), sealing.encryption_context, call.deadline());
  return {.ciphertext = std::move(encrypted.ciphertext),
          .material_id = std::move(encrypted.material_id)};
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
  if (ignore) return std::nullopt;
  // Before usage and algorithm, as AWS: an RSA ciphertext that is sent without its algorithm is a
  // bad ciphertext.
  if (symmetric && !ciphertext) throw Error(ErrorCode::invalid_ciphertext);
  call.check_usage(key, api::KeyUsageType::encrypt_decrypt);
  call.check_state(key);
  const auto& row = check_algorithm(key, source.algorithm, source.encryption_context, "decrypting");
  const auto store = call.key_stores().of(key.record());
  auto plaintext =
      row.hash ? store->rsa_decrypt(key, *row.hash, source.ciphertext->view(), call.deadline())
               : store->decrypt(key, *ciphertext, context_of(source.encryption_context),
                                call.deadline());
  if (!plaintext) throw Error(ErrorCode::invalid_ciphertext);
  Opened opened{.key = std::move(key),
                .plaintext = std::move(*plaintext),
                .algorithm = row.algorithm,
                .material_id = std::nullopt};
  if (ciphertext) opened.material_id = ciphertext->header.material_id;
  return opened;
}

}  // namespace kms::operations
