#pragma once

#include <optional>

#include "pkcs11/secret_bytes.h"

// ECDSA signatures: r and s side by side, as PKCS#11 has them, and as Ecdsa-Sig-Value (RFC 3279).
namespace pkcs11 {

[[nodiscard]] Bytes ecdsa_to_der(ByteView raw);
/// nullopt: it is not DER, or r or s is longer than `bytes` each.
[[nodiscard]] std::optional<Bytes> ecdsa_from_der(ByteView der, std::size_t bytes);

}  // namespace pkcs11
