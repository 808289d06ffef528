#pragma once

#include <optional>

#include "pkcs11/attributes.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"

// Public keys: as PKCS#11 objects have them, and as SubjectPublicKeyInfo (RFC 5280), DER.
namespace pkcs11 {

/// Of the public key object; throws Error{device_error} if it is no key of the kind.
[[nodiscard]] Bytes read_public_key(Session& session, KeyKind kind, CK_OBJECT_HANDLE object);
/// Of a point (SEC 1, 2.3.3, uncompressed; RFC 8032, 5.1.2).
[[nodiscard]] Bytes ec_public_key(KeyKind kind, ByteView point);
/// The point of an Ed25519 private key (RFC 8032, 5.1.5), for keys that come from outside.
[[nodiscard]] std::optional<Bytes> ed25519_public_key(ByteView seed);
/// Adds what makes a public key object this key; false if it is no key of the kind.
[[nodiscard]] bool add_public_key(Attributes& wanted, KeyKind kind, ByteView public_key);
/// The modulus without leading zeros; nullopt if it is no RSA key of the kind.
[[nodiscard]] std::optional<Bytes> rsa_modulus(KeyKind kind, ByteView public_key);
/// Whether the exponent of the RSA key is odd and at least 3 (RFC 8017, 3.1): with 1 the key would
/// sign and encrypt by leaving things as they are.
[[nodiscard]] bool has_usable_exponent(KeyKind kind, ByteView public_key);
/// Whether the number, as long as the modulus of the RSA key, is less than it, as what the key
/// decrypts must be (RFC 8017, 5.1.2). True also of a key that is not known here.
[[nodiscard]] bool is_below_modulus(KeyKind kind, ByteView public_key, ByteView number);
/// The uncompressed point (SEC 1, 2.3.3); nullopt if it is no point of the kind's curve.
[[nodiscard]] std::optional<Bytes> valid_ec_point(KeyKind kind, ByteView public_key);

}  // namespace pkcs11
