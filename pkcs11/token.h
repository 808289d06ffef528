#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
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

/// What kind of key a material is.
enum class KeyKind : std::uint8_t {
  aes_256,
  rsa_2048,
  rsa_3072,
  rsa_4096,
  ec_p256,
  ec_p384,
  ec_p521,
  ec_secp256k1,
  ed25519,
  hmac_224,
  hmac_256,
  hmac_384,
  hmac_512,
  ml_dsa_44,
  ml_dsa_65,
  ml_dsa_87,
};

/// CKA_ID of a token object of ours: 16 random bytes, new for each attempt to create one.
using ObjectId = std::array<std::uint8_t, 16>;

/// Key material outside the token, wrapped (AES-KWP, RFC 5649) under the token's key-encryption
/// key.
struct WrappedMaterial {
  KeyKind kind = KeyKind::aes_256;
  ObjectId kek{};  // CKA_ID of the key-encryption key
  Bytes blob;
  Bytes public_key;  // SubjectPublicKeyInfo (RFC 5280), DER; empty for secret keys
  auto operator<=>(const WrappedMaterial&) const = default;
};

/// Key material that is a token object and exists nowhere else.
struct ObjectMaterial {
  KeyKind kind = KeyKind::aes_256;
  ObjectId id{};
  Bytes public_key;  // as above
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

/// How a token can hold keys of a kind.
enum class Holding : std::uint8_t { none, object, wrapped };

/// A signature algorithm, with the hash where one is part of it.
enum class SignatureScheme : std::uint8_t {
  rsa_pkcs1_sha256,  // RFC 8017, 8.2
  rsa_pkcs1_sha384,
  rsa_pkcs1_sha512,
  rsa_pss_sha256,  // RFC 8017, 8.1: MGF1 with the same hash, salt as long as the hash
  rsa_pss_sha384,
  rsa_pss_sha512,
  ecdsa_sha256,  // FIPS 186-5, 6; the signature is a DER Ecdsa-Sig-Value (RFC 3279)
  ecdsa_sha384,
  ecdsa_sha512,
  ed25519,     // RFC 8032, pure
  ed25519_ph,  // RFC 8032, pre-hashed
  ml_dsa,      // FIPS 204, pure, empty context
};

/// What is signed.
enum class MessageForm : std::uint8_t {
  message,
  digest,       // of the scheme's hash, and as long
  external_mu,  // FIPS 204, 6.2: 64 bytes, ML-DSA only
};

/// The hash of RSAES-OAEP (RFC 8017, 7.1) and of its MGF1; the label is empty.
enum class OaepHash : std::uint8_t { sha1, sha256 };

/// How a token does RSAES-OAEP with a hash.
enum class OaepMethod : std::uint8_t {
  none,
  native,
  padded_outside,  // raw RSA in the token
};

/// How imported material comes wrapped under an RSA wrapping key of ours.
enum class ImportScheme : std::uint8_t {
  oaep_sha1,
  oaep_sha256,
  rsa_aes_sha1,  // OAEP of an AES-256 key, then the material under it (RFC 5649)
  rsa_aes_sha256,
};

/// An asymmetric data key for a caller.
struct DataKeyPair {
  SecretBytes private_key;  // PrivateKeyInfo (PKCS#8, RFC 5958), DER
  Bytes public_key;         // SubjectPublicKeyInfo, DER
};

/// Why material from outside was not taken.
enum class ImportFault : std::uint8_t {
  ciphertext,  // it does not unwrap
  material,    // what was wrapped is no key of the kind
};

/// What one token hands to another: nobody else can open it.
struct TransportedKey {
  KeyKind kind = KeyKind::aes_256;
  Bytes wrapped_key;  // an AES-256 key under the transport key (RSAES-OAEP, SHA-1)
  Bytes wrapped;      // the material under that AES key (RFC 5649)
  Bytes public_key;   // of the material; as in WrappedMaterial
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

  /// How the token can hold keys of this kind: found by trying, once, and remembered.
  [[nodiscard]] virtual Holding holding(KeyKind kind, Deadline deadline) = 0;
  /// Whether the token can make and check such signatures, and of which form of message.
  [[nodiscard]] virtual bool signs(SignatureScheme scheme, MessageForm form, Deadline deadline) = 0;

  /// How the token encrypts with RSA keys.
  [[nodiscard]] virtual OaepMethod oaep(OaepHash hash, Deadline deadline) = 0;

  /// A new sensitive key, wrapped under the key-encryption key, unwrapped again and proved equal.
  virtual WrappedMaterial generate_wrapped(KeyKind kind, Deadline deadline) = 0;
  /// A new sensitive, non-extractable token object with this CKA_ID and CKA_LABEL (an asymmetric
  /// key is two objects with the same). After an error no object with that id is left behind, as
  /// far as the token can be reached.
  virtual ObjectMaterial generate_object(KeyKind kind, const ObjectId& id, const std::string& label,
                                         Deadline deadline) = 0;
  /// Destroys the object or pair; false if a healthy token does not hold it.
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

  /// With a private key; hashing happens in the token too.
  virtual Bytes sign(const MaterialRef& key, SignatureScheme scheme, MessageForm form,
                     ByteView message, Deadline deadline) = 0;
  /// With the token's public key object. false: not this key's signature of this message.
  [[nodiscard]] virtual bool verify(const MaterialRef& key, SignatureScheme scheme,
                                    MessageForm form, ByteView message, ByteView signature,
                                    Deadline deadline) = 0;
  /// HMAC (RFC 2104) with the hash of the key's kind, in full length.
  virtual Bytes mac(const MaterialRef& key, ByteView message, Deadline deadline) = 0;
  /// Compared in constant time.
  [[nodiscard]] virtual bool verify_mac(const MaterialRef& key, ByteView message, ByteView mac,
                                        Deadline deadline) = 0;
  virtual Bytes oaep_encrypt(const MaterialRef& key, OaepHash hash, ByteView plaintext,
                             Deadline deadline) = 0;
  /// nullopt: no ciphertext of this key and hash.
  [[nodiscard]] virtual std::optional<SecretBytes> oaep_decrypt(const MaterialRef& key,
                                                                OaepHash hash, ByteView ciphertext,
                                                                Deadline deadline) = 0;
  /// The x coordinate (SEC 1, 3.3.1), as long as the field. nullopt: `peer`, a
  /// SubjectPublicKeyInfo, is no point of the key's curve.
  [[nodiscard]] virtual std::optional<SecretBytes> ecdh(const MaterialRef& key, ByteView peer,
                                                        Deadline deadline) = 0;

  /// A pair for a caller: made in the token, exported, and gone from it.
  virtual DataKeyPair generate_data_key_pair(KeyKind kind, Deadline deadline) = 0;

  /// Takes material from outside, unwrapped in the token where it can, and holds it wrapped, or,
  /// where `as` is given, as an object of that id and label. `wrapping_key`: an RSA key of ours.
  virtual std::variant<MaterialRef, ImportFault> import_material(
      const WrappedMaterial& wrapping_key, ImportScheme scheme, ByteView encrypted, KeyKind kind,
      const std::optional<std::pair<ObjectId, std::string>>& as, Deadline deadline) = 0;
  /// The same bytes for the same material, whatever wraps it; tells nothing about it. For secret
  /// keys; an asymmetric key is known by its public key.
  virtual Bytes fingerprint(const MaterialRef& key, Deadline deadline) = 0;

  /// SubjectPublicKeyInfo of the token's transport key (RSA-4096, made at the first asking), taken
  /// from a private key that the token says was made in it and never could leave it.
  virtual Bytes transport_key(Deadline deadline) = 0;
  /// Hands material to the token whose transport key this is.
  virtual TransportedKey export_material(const WrappedMaterial& key, ByteView transport_key,
                                         Deadline deadline) = 0;
  /// Takes what another token handed to this one's transport key.
  virtual WrappedMaterial import_transported(const TransportedKey& transported,
                                             Deadline deadline) = 0;
};

}  // namespace pkcs11
