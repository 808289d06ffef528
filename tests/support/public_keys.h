#pragma once

#include "pkcs11/token.h"

// What anybody else does with a SubjectPublicKeyInfo of ours, done by OpenSSL.
namespace kms::test {

/// Whether it is a well-formed public key of that many bits.
[[nodiscard]] int key_bits(pkcs11::ByteView public_key);
/// The SubjectPublicKeyInfo of a PrivateKeyInfo (PKCS#8); throws if it is none, or longer.
[[nodiscard]] pkcs11::Bytes public_key_of(pkcs11::ByteView private_key);
[[nodiscard]] bool verifies(pkcs11::ByteView public_key, pkcs11::SignatureScheme scheme,
                            pkcs11::ByteView message, pkcs11::ByteView signature);
[[nodiscard]] pkcs11::Bytes oaep_encrypt(pkcs11::ByteView public_key, pkcs11::OaepHash hash,
                                         pkcs11::ByteView plaintext);
[[nodiscard]] pkcs11::Bytes sha(int bits, pkcs11::ByteView message);
[[nodiscard]] pkcs11::Bytes from_hex(std::string_view hex);

/// An elliptic-curve pair outside the token.
class Peer final {
 public:
  explicit Peer(const char* group);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  Peer(Peer&&) = delete;
  Peer& operator=(Peer&&) = delete;
  [[nodiscard]] pkcs11::Bytes public_key() const;
  /// ECDH with the other's SubjectPublicKeyInfo.
  [[nodiscard]] pkcs11::Bytes agree(pkcs11::ByteView other) const;

 private:
  void* key_;
};

}  // namespace kms::test
