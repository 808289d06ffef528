#pragma once

#include <memory>
#include <string>

#include "connector/base/random.h"
#include "connector/keystores/generations.h"
#include "connector/keystores/invocations.h"
#include "connector/keystores/key_store.h"
#include "connector/keystores/related_keys.h"
#include "connector/keystores/token_error.h"
#include "connector/keystores/token_handle.h"
#include "connector/storage/metadata_store.h"

namespace kms::keystores {

/// A key store on one PKCS#11 token. While the token has not been opened yet, calls wait for it
/// until their deadline.
class TokenKeyStore final : public KeyStore {
 public:
  /// What the key stores of a process have in common.
  struct Shared {
    storage::MetadataStore& store;
    Invocations& invocations;
    Generations& generations;
    const RelatedKeys& related_keys;
    Random& random;
  };
  /// Keys of a custom key store are token objects; a Region's are wrapped, where its token can
  /// wrap.
  TokenKeyStore(std::shared_ptr<TokenHandle> token, TokenRole role, const Shared& shared);

  std::optional<pkcs11::MaterialRef> reserve(pkcs11::KeyKind kind, Deadline deadline) override;
  pkcs11::MaterialRef make(pkcs11::KeyKind kind, const std::optional<pkcs11::MaterialRef>& reserved,
                           const std::string& key_arn, Deadline deadline) override;
  bool destroy(const pkcs11::MaterialRef& ref, Deadline deadline) override;
  bool holds(const pkcs11::MaterialRef& ref, Deadline deadline) override;

  Encrypted encrypt(const keys::AuthorizedKey& key, ByteView plaintext,
                    const keys::EncryptionContext& context, Deadline deadline) override;
  std::optional<SecretBytes> decrypt(const keys::AuthorizedKey& key,
                                     const keys::Ciphertext& ciphertext,
                                     const keys::EncryptionContext& context,
                                     Deadline deadline) override;
  DataKey generate_data_key(const keys::AuthorizedKey& key, std::size_t size,
                            const keys::EncryptionContext& context, Deadline deadline) override;
  DataKeyPair generate_data_key_pair(const keys::AuthorizedKey& key, pkcs11::KeyKind kind,
                                     const keys::EncryptionContext& context,
                                     Deadline deadline) override;
  bool signs(pkcs11::SignatureScheme scheme, pkcs11::MessageForm form, Deadline deadline) override;
  Bytes sign(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
             pkcs11::MessageForm form, ByteView message, Deadline deadline) override;
  bool verify(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
              pkcs11::MessageForm form, ByteView message, ByteView signature,
              Deadline deadline) override;
  Bytes generate_mac(const keys::AuthorizedKey& key, ByteView message, Deadline deadline) override;
  bool verify_mac(const keys::AuthorizedKey& key, ByteView message, ByteView mac,
                  Deadline deadline) override;
  Bytes rsa_encrypt(const keys::AuthorizedKey& key, pkcs11::OaepHash hash, ByteView plaintext,
                    Deadline deadline) override;
  std::optional<SecretBytes> rsa_decrypt(const keys::AuthorizedKey& key, pkcs11::OaepHash hash,
                                         ByteView ciphertext, Deadline deadline) override;
  std::optional<SecretBytes> derive(const keys::AuthorizedKey& key, ByteView peer,
                                    Deadline deadline) override;
  ImportParameters import_parameters(const keys::AuthorizedKey& key, pkcs11::ImportScheme scheme,
                                     pkcs11::KeyKind wrapping_key, Timestamp valid_to,
                                     Deadline deadline) override;
  std::optional<keys::ImportToken> open_import_token(const keys::AuthorizedKey& key, ByteView token,
                                                     Deadline deadline) override;
  std::variant<ImportedMaterial, pkcs11::ImportFault> import_material(
      const keys::AuthorizedKey& key, const keys::ImportToken& token, ByteView encrypted,
      const std::optional<pkcs11::MaterialRef>& reserved, Deadline deadline) override;
  SecretBytes random(std::size_t size, Deadline deadline) override;

 private:
  /// The generation that encrypts, counted once more; `key` keeps it alive.
  struct Current {
    keys::KeyPtr key;
    const keys::Material* material = nullptr;
    const keys::Generation* generation = nullptr;
    [[nodiscard]] keys::CiphertextHeader header() const;
  };
  Current current(keys::KeyPtr key, Deadline deadline);
  keys::KeyPtr next_generation(const Current& used_up, Deadline deadline);
  /// Of the caller's: the token is waited for, and what it throws is translated.
  template <class Function>
  auto with_token(Deadline deadline, Function&& function) const;

  const std::shared_ptr<TokenHandle> token_;
  const TokenRole role_;
  const Shared shared_;
};

}  // namespace kms::keystores
