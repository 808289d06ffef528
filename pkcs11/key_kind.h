#pragma once

#include <optional>

#include "pkcs11/cryptoki.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// What can be done with a key.
enum class KeyFamily : std::uint8_t { aes, hmac, rsa, ec, edwards, ml_dsa };

/// A row of THE table of kinds of keys.
struct KeyKindInfo {
  KeyKind kind;
  KeyFamily family;
  CK_KEY_TYPE type;
  CK_MECHANISM_TYPE generation;
  /// Of a secret key; of the modulus; of a coordinate; of the public key.
  std::size_t bytes;
  /// CKA_EC_PARAMS, for curves.
  ByteView curve;
  CK_ULONG parameter_set = 0;       // CKA_PARAMETER_SET, for ML-DSA
  CK_MECHANISM_TYPE mac = 0;        // for HMAC
  std::size_t signature_bytes = 0;  // as the token makes them: r and s side by side for ECDSA
};

/// The table's order is the enumeration's, so that a kind that comes after the last one named here
/// must be named instead of it.
inline constexpr std::size_t kKeyKinds = static_cast<std::size_t>(KeyKind::ml_dsa_87) + 1;

[[nodiscard]] const KeyKindInfo& info(KeyKind kind) noexcept;
/// A pair of a private and a public key.
[[nodiscard]] bool is_pair(KeyKind kind) noexcept;
[[nodiscard]] KeyKind kind_of(const MaterialRef& material) noexcept;
[[nodiscard]] const Bytes& public_key_of(const MaterialRef& material) noexcept;
/// nullopt: the object is no key of a kind of ours.
[[nodiscard]] std::optional<KeyKind> kind_of(const ObjectInfo& object) noexcept;
/// Whether a blob of this length can hold a wrapped key of the kind.
[[nodiscard]] bool is_wrapped_size(KeyKind kind, std::size_t bytes) noexcept;

}  // namespace pkcs11
