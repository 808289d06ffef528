#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pkcs11/error.h"
#include "pkcs11/secret_bytes.h"

// The token as its users see it: whole operations on values. No handle, session or CK type passes
// here, so that the same interface can be served by a child process that holds the vendor's
// library.
namespace pkcs11 {

/// Until when an operation may wait for a session, a recovery or the token.
using Deadline = std::chrono::steady_clock::time_point;

/// What kind of key a material is; further kinds (RSA, EC, HMAC) join here.
enum class KeyKind : std::uint8_t { aes_256 };

/// CKA_ID of a token object of ours: 16 random bytes, new for each attempt to create one.
using ObjectId = std::array<std::uint8_t, 16>;

/// Key material outside the token, wrapped (AES-KWP, RFC 5649) under the token's key-encryption
/// key.
struct WrappedMaterial {
  KeyKind kind = KeyKind::aes_256;
  ObjectId kek{};  // CKA_ID of the key-encryption key
  Bytes blob;
  auto operator<=>(const WrappedMaterial&) const = default;
};

/// Key material that is a token object and exists nowhere else.
struct ObjectMaterial {
  KeyKind kind = KeyKind::aes_256;
  ObjectId id{};
  auto operator<=>(const ObjectMaterial&) const = default;
};

/// Where key material lives.
using MaterialRef = std::variant<WrappedMaterial, ObjectMaterial>;

/// What AES-GCM gave: the IV the token or we chose, and the ciphertext followed by its 16-byte tag.
struct GcmCiphertext {
  Bytes iv;
  Bytes data;
};

/// Fresh random bytes and their encryption.
struct SealedRandom {
  SecretBytes plaintext;
  GcmCiphertext ciphertext;
};

struct TokenInfo {
  std::string label;
  std::string serial;
  std::string manufacturer;
  std::string model;
  std::string firmware;  // major.minor
  std::string library;   // description and version of the module
};

/// Who makes the IV of AES-GCM.
enum class GcmIv : std::uint8_t {
  host,      // we draw it from the token's generator and pass it in
  in_param,  // the token writes it into pIv (CloudHSM)
  appended,  // the token appends it to the ciphertext (Luna in FIPS mode)
};

/// What the token can do, found by trying at connect.
struct Capabilities {
  bool aes_gcm = false;
  GcmIv gcm_iv = GcmIv::host;
  std::size_t gcm_max = 0;       // longest plaintext in bytes that was tried with success
  bool wrap_kwp = false;         // AES-KWP wraps and unwraps, RFC 5649, proved by use
  bool session_objects = false;  // sensitive session keys can be generated
  bool random = false;
};

/// An object of ours in the token, for reconciliation.
struct TokenObject {
  ObjectId id{};
  std::string label;
};

/// One token, logged in. Thread-safe. Every call may throw Error; a lost token is recovered inside
/// the call, within its deadline.
class Token {
 public:
  virtual ~Token() = default;

  [[nodiscard]] virtual TokenInfo info() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// C_GetTokenInfo and the canary object; throws what is wrong, tries no recovery.
  virtual void check_health(Deadline deadline) = 0;
  /// How often this token was logged in to; grows by one with each recovery.
  [[nodiscard]] virtual std::uint64_t epoch() const = 0;

  /// A new sensitive key, wrapped under the key-encryption key, unwrapped again and proved equal.
  virtual WrappedMaterial generate_wrapped(KeyKind kind, Deadline deadline) = 0;
  /// A new sensitive, non-extractable token object with this CKA_ID and CKA_LABEL. After an error
  /// no object with that id is left behind, as far as the token can be reached.
  virtual void generate_object(KeyKind kind, const ObjectId& id, const std::string& label,
                               Deadline deadline) = 0;
  /// Destroys the object; false if a healthy token does not hold it.
  virtual bool destroy_object(const ObjectId& id, Deadline deadline) = 0;
  [[nodiscard]] virtual bool has_object(const ObjectId& id, Deadline deadline) = 0;
  /// The key objects of ours in the token (CKA_ID of 16 bytes), without the KEK and the canary.
  [[nodiscard]] virtual std::vector<TokenObject> objects(Deadline deadline) = 0;

  /// Fills `out` from the token's generator (C_GenerateRandom).
  virtual void random(std::span<std::uint8_t> out, Deadline deadline) = 0;
  /// AES-256-GCM with a fresh 96-bit IV (its length may differ where the token makes it) and a
  /// 128-bit tag.
  virtual GcmCiphertext gcm_encrypt(const MaterialRef& key, ByteView plaintext, ByteView aad,
                                    Deadline deadline) = 0;
  /// nullopt: the ciphertext, IV or AAD is not authentic. A device fault throws instead.
  [[nodiscard]] virtual std::optional<SecretBytes> gcm_decrypt(const MaterialRef& key, ByteView iv,
                                                               ByteView ciphertext, ByteView aad,
                                                               Deadline deadline) = 0;
  /// `size` random bytes and their encryption: one C_GenerateRandom, one Init, one Encrypt.
  virtual SealedRandom generate_sealed(const MaterialRef& key, std::size_t size, ByteView aad,
                                       Deadline deadline) = 0;
};

}  // namespace pkcs11
