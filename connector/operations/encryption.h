#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connector/operations/call.h"

namespace kms::operations {

/// The side that encrypts: Encrypt, or the destination of ReEncrypt.
struct Target {
  const std::string& key_id;
  const std::optional<EncryptionContext>& encryption_context;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<api::EncryptionAlgorithmSpec>& algorithm;
  std::string_view action;         // Encrypt or ReEncryptTo
  std::optional<bool> same_key{};  // as Use has it
};

struct Sealing {
  keys::AuthorizedKey key;
  api::EncryptionAlgorithmSpec algorithm;
  const EncryptionContext& encryption_context;
};

/// Finds the key and checks the permission only.
keys::AuthorizedKey authorize_target(Call& call, const Target& target);
/// Finds the key and checks everything.
Sealing prepare_sealing(Call& call, const Target& target, const SecretBytes& plaintext);

struct Sealed {
  Bytes ciphertext;
  std::optional<std::string> material_id;  // of symmetric keys
};

Sealed seal(Call& call, const Sealing& sealing, const SecretBytes& plaintext);

/// The side that decrypts: Decrypt, or the source of ReEncrypt.
struct Source {
  const std::optional<api::Blob>& ciphertext;
  const std::optional<std::string>& key_id;
  const std::optional<EncryptionContext>& encryption_context;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<api::EncryptionAlgorithmSpec>& algorithm;
  const std::optional<bool>& dry_run;
  const std::optional<std::vector<api::DryRunModifierType>>& dry_run_modifiers;
  std::string_view action;         // Decrypt or ReEncryptFrom
  std::optional<bool> same_key{};  // as Use has it
};

/// Whether the ciphertext tells which key to decrypt with: the request names none, or names by its
/// bare id one that the caller's account does not have and the ciphertext's has.
bool tells_key(const Call& call, const keys::Ciphertext& ciphertext,
               const std::optional<std::string>& key_id);

struct Opened {
  keys::AuthorizedKey key;
  SecretBytes plaintext;
  api::EncryptionAlgorithmSpec algorithm;
  std::optional<std::string> material_id;  // of symmetric keys
};

/// Finds the key, checks everything and decrypts. With DryRunModifiers IGNORE_CIPHERTEXT only the
/// permission is checked and nullopt returned.
std::optional<Opened> open_ciphertext(Call& call, const Source& source);

}  // namespace kms::operations
