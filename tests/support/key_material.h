#pragma once

#include <string_view>

#include "pkcs11/token.h"

// Key material as other people make and wrap it: by OpenSSL alone.
namespace kms::test {

/// A new private key as PrivateKeyInfo (PKCS#8), DER, and its SubjectPublicKeyInfo.
struct OutsideKey {
  pkcs11::Bytes private_key;
  pkcs11::Bytes public_key;
};
[[nodiscard]] OutsideKey make_rsa(unsigned bits);
/// The key with the exponents 1: both halves do nothing. (PrivateKeyInfo)
[[nodiscard]] pkcs11::Bytes idle_rsa(pkcs11::ByteView private_key);
/// OpenSSL's name of the curve: "P-256", "secp256k1"
[[nodiscard]] OutsideKey make_ec(std::string_view curve);
[[nodiscard]] OutsideKey make_ed25519();

/// Wrapped as ImportKeyMaterial wants it; `wrapping_key` is a SubjectPublicKeyInfo.
[[nodiscard]] pkcs11::Bytes wrap_for_import(pkcs11::ByteView wrapping_key,
                                            pkcs11::ImportScheme scheme, pkcs11::ByteView material);

/// HMAC with the hash of so many bits.
[[nodiscard]] pkcs11::Bytes hmac(int bits, pkcs11::ByteView key, pkcs11::ByteView message);

}  // namespace kms::test
