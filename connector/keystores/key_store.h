#pragma once

#include <optional>
#include <string>

#include "connector/keys/authorized_key.h"
#include "connector/keys/ciphertext.h"
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

struct Encrypted {
  Bytes ciphertext;  // the blob
  std::string material_id;
};

/// Where key material lives and works. Thread-safe. Throws api::Error as the API would tell it:
/// what the token says is translated here, once.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  /// A reference that must be recorded (state creating) before make(); nullopt where make() leaves
  /// nothing behind that a crash could orphan.
  [[nodiscard]] virtual std::optional<pkcs11::MaterialRef> reserve(pkcs11::KeyKind kind) = 0;
  /// Makes the material, under the reserved reference if there is one.
  [[nodiscard]] virtual pkcs11::MaterialRef make(pkcs11::KeyKind kind,
                                                 const std::optional<pkcs11::MaterialRef>& reserved,
                                                 const std::string& key_arn, Deadline deadline) = 0;
  /// Destroys what make() made; false if it was gone already. Wrapped material needs nothing
  /// destroyed.
  virtual bool destroy(const pkcs11::MaterialRef& ref, Deadline deadline) = 0;

  virtual Encrypted encrypt(const keys::AuthorizedKey& key, ByteView plaintext,
                            const keys::EncryptionContext& context, Deadline deadline) = 0;
  /// nullopt: not authentic (wrong context, tampered, unknown material).
  [[nodiscard]] virtual std::optional<SecretBytes> decrypt(const keys::AuthorizedKey& key,
                                                           const keys::Ciphertext& ciphertext,
                                                           const keys::EncryptionContext& context,
                                                           Deadline deadline) = 0;
  virtual DataKey generate_data_key(const keys::AuthorizedKey& key, std::size_t size,
                                    const keys::EncryptionContext& context, Deadline deadline) = 0;
  [[nodiscard]] virtual SecretBytes random(std::size_t size, Deadline deadline) = 0;
};

}  // namespace kms::keystores
