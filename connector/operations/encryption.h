#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connector/keystores/key_store.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// The algorithm of the request, SYMMETRIC_DEFAULT if none; InvalidKeyUsageException if the key
/// does not have it.
api::EncryptionAlgorithmSpec check_algorithm(
    const keys::AuthorizedKey& key, const std::optional<api::EncryptionAlgorithmSpec>& algorithm);

/// One side of Decrypt or ReEncrypt: what was sent.
struct Source {
  const std::optional<api::Blob>& ciphertext;
  const std::optional<std::string>& key_id;
  const std::optional<EncryptionContext>& encryption_context;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<api::EncryptionAlgorithmSpec>& algorithm;
  const std::optional<bool>& dry_run;
  const std::optional<std::vector<api::DryRunModifierType>>& dry_run_modifiers;
  std::string_view action;  // Decrypt or ReEncryptFrom
};

struct Opened {
  keys::AuthorizedKey key;
  SecretBytes plaintext;
  api::EncryptionAlgorithmSpec algorithm;
  std::string material_id;
};

/// Finds the key, checks everything and decrypts. With DryRunModifiers IGNORE_CIPHERTEXT only the
/// permission is checked and nullopt returned.
std::optional<Opened> open_ciphertext(Call& call, const Source& source);

}  // namespace kms::operations
