#pragma once

#include "pkcs11/token.h"

namespace kms::keystores {

/// The way of key material from one token into another. What passes here is wrapped under a
/// transport key that was made in the destination and cannot leave it.
class Transport {
 public:
  /// The destination has to open something first: no key of a caller's is wrapped for a transport
  /// key before that. Throws pkcs11::Error.
  Transport(pkcs11::Token& source, pkcs11::Token& destination, pkcs11::Deadline deadline);

  /// The same key, under the destination's key-encryption key.
  [[nodiscard]] pkcs11::WrappedMaterial carry(const pkcs11::WrappedMaterial& material) const;

 private:
  void challenge() const;

  pkcs11::Token& source_;
  pkcs11::Token& destination_;
  const pkcs11::Deadline deadline_;
  const pkcs11::Bytes transport_key_;
};

}  // namespace kms::keystores
