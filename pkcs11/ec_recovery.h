#pragma once

#include <vector>

#include "pkcs11/token.h"

namespace pkcs11 {

/// The public keys (SubjectPublicKeyInfo) under which `signature`, r and s side by side, is an
/// ECDSA signature of `digest` (SEC 1, 4.1.6): for private keys whose token does not tell the
/// public one. One of them is the key's; another signature tells which. `digest` must not be longer
/// than the curve's order.
[[nodiscard]] std::vector<Bytes> possible_public_keys(KeyKind kind, ByteView digest,
                                                      ByteView signature);

}  // namespace pkcs11
