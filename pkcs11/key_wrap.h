#pragma once

#include <optional>

#include "pkcs11/secret_bytes.h"

// AES key wrap with padding (RFC 5649) in the process: for keys that have to pass through it, data
// key pairs on the way to their callers and what a token cannot unwrap by itself.
namespace pkcs11::key_wrap {

/// `kek`: 32 bytes. `key`: not empty.
[[nodiscard]] Bytes wrap(ByteView kek, ByteView key);
/// nullopt: `wrapped` is nothing that was wrapped under `kek`.
[[nodiscard]] std::optional<SecretBytes> unwrap(ByteView kek, ByteView wrapped);

}  // namespace pkcs11::key_wrap
