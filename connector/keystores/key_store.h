#pragma once

#include <optional>
#include <string>
#include <variant>

#include "connector/keys/authorized_key.h"
#include "connector/keys/ciphertext.h"
#include "connector/keys/import_token.h"
#include "connector/keys/records.h"
#include "pkcs11/token.h"

namespace kms::keystores {

using pkcs11::Deadline;

/// A fresh data key and its encryption.
struct DataKey {
  SecretBytes plaintext;
  Bytes ciphertext;
  std::string material_id;
};

/// A fresh data key pair, and its private key's encryption.
struct DataKeyPair {
  SecretBytes private_key;  // PrivateKeyInfo (PKCS#8), DER
  Bytes public_key;         // SubjectPublicKeyInfo, DER
  Bytes ciphertext;         // of the private key
  std::string material_id;
};

struct Encrypted {
  Bytes ciphertext;  // the blob
  std::string material_id;
};

/// What material for import is wrapped with.
struct ImportParameters {
  Bytes token;       // import token
  Bytes public_key;  // of the wrapping key: SubjectPublicKeyInfo, DER
};

struct ImportedMaterial {
  pkcs11::MaterialRef ref;
  Bytes fingerprint;  // the same for the same material
};

/// Where key material lives and works. Thread-safe. Throws api::Error as the API would tell it:
/// what the token says is translated here, once.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  /// A reference that must be recorded (state creating) before make(); nullopt where make() leaves
  /// nothing behind that a crash could orphan. UnsupportedOperationException if no such key can be
  /// held.
  [[nodiscard]] virtual std::optional<pkcs11::MaterialRef> reserve(pkcs11::KeyKind kind,
                                                                   Deadline deadline) = 0;
  /// Makes the material, under the reserved reference if there is one; what it returns has the
  /// public key.
  [[nodiscard]] virtual pkcs11::MaterialRef make(pkcs11::KeyKind kind,
                                                 const std::optional<pkcs11::MaterialRef>& reserved,
                                                 const std::string& key_arn, Deadline deadline) = 0;
  /// Destroys what make() made; false if it was gone already. Wrapped material needs nothing
  /// destroyed.
  virtual bool destroy(const pkcs11::MaterialRef& ref, Deadline deadline) = 0;
  /// Whether what make() made is still there. Wrapped material is.
  [[nodiscard]] virtual bool holds(const pkcs11::MaterialRef& ref, Deadline deadline) = 0;

  virtual Encrypted encrypt(const keys::AuthorizedKey& key, ByteView plaintext,
                            const keys::EncryptionContext& context, Deadline deadline) = 0;
  /// nullopt: not authentic (wrong context, tampered, unknown material).
  [[nodiscard]] virtual std::optional<SecretBytes> decrypt(const keys::AuthorizedKey& key,
                                                           const keys::Ciphertext& ciphertext,
                                                           const keys::EncryptionContext& context,
                                                           Deadline deadline) = 0;
  virtual DataKey generate_data_key(const keys::AuthorizedKey& key, std::size_t size,
                                    const keys::EncryptionContext& context, Deadline deadline) = 0;
  virtual DataKeyPair generate_data_key_pair(const keys::AuthorizedKey& key, pkcs11::KeyKind kind,
                                             const keys::EncryptionContext& context,
                                             Deadline deadline) = 0;

  /// Whether sign() and verify() serve the algorithm with messages of that form.
  [[nodiscard]] virtual bool signs(pkcs11::SignatureScheme scheme, pkcs11::MessageForm form,
                                   Deadline deadline) = 0;
  virtual Bytes sign(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
                     pkcs11::MessageForm form, ByteView message, Deadline deadline) = 0;
  [[nodiscard]] virtual bool verify(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
                                    pkcs11::MessageForm form, ByteView message, ByteView signature,
                                    Deadline deadline) = 0;
  virtual Bytes generate_mac(const keys::AuthorizedKey& key, ByteView message,
                             Deadline deadline) = 0;
  [[nodiscard]] virtual bool verify_mac(const keys::AuthorizedKey& key, ByteView message,
                                        ByteView mac, Deadline deadline) = 0;
  virtual Bytes rsa_encrypt(const keys::AuthorizedKey& key, pkcs11::OaepHash hash,
                            ByteView plaintext, Deadline deadline) = 0;
  /// nullopt: not encrypted under this key, or not with this hash.
  [[nodiscard]] virtual std::optional<SecretBytes> rsa_decrypt(const keys::AuthorizedKey& key,
                                                               pkcs11::OaepHash hash,
                                                               ByteView ciphertext,
                                                               Deadline deadline) = 0;
  /// nullopt: the peer's public key is no SubjectPublicKeyInfo of a point on the key's curve.
  [[nodiscard]] virtual std::optional<SecretBytes> derive(const keys::AuthorizedKey& key,
                                                          ByteView peer, Deadline deadline) = 0;

  /// A fresh wrapping key of that kind, which only its import token remembers.
  virtual ImportParameters import_parameters(const keys::AuthorizedKey& key,
                                             pkcs11::ImportScheme scheme,
                                             pkcs11::KeyKind wrapping_key, Timestamp valid_to,
                                             Deadline deadline) = 0;
  /// nullopt: it was not made here for this key. Whether it has expired is not asked.
  [[nodiscard]] virtual std::optional<keys::ImportToken> open_import_token(
      const keys::AuthorizedKey& key, ByteView token, Deadline deadline) = 0;
  /// Takes wrapped material for the key, under the reserved reference if there is one.
  virtual std::variant<ImportedMaterial, pkcs11::ImportFault> import_material(
      const keys::AuthorizedKey& key, const keys::ImportToken& token, ByteView encrypted,
      const std::optional<pkcs11::MaterialRef>& reserved, Deadline deadline) = 0;

  [[nodiscard]] virtual SecretBytes random(std::size_t size, Deadline deadline) = 0;
};

}  // namespace kms::keystores
