#pragma once

#include <optional>

#include "pkcs11/findings.h"
#include "pkcs11/session.h"

// RSAES-OAEP (RFC 8017, 7.1), and its padding alone, for tokens that lack one of its hashes.
namespace pkcs11::oaep {

[[nodiscard]] std::size_t hash_bytes(OaepHash hash) noexcept;
/// The longest plaintext for a modulus of so many bytes.
[[nodiscard]] std::size_t most(OaepHash hash, std::size_t modulus_bytes) noexcept;
/// `modulus_bytes` bytes for raw RSA.
[[nodiscard]] SecretBytes pad(OaepHash hash, ByteView plaintext, std::size_t modulus_bytes);
/// nullopt: it is no padding of the hash, in constant time whatever is wrong with it.
[[nodiscard]] std::optional<SecretBytes> unpad(OaepHash hash, ByteView padded);

/// One encryption in the token, padded as `method` says.
[[nodiscard]] Bytes seal(OaepHash hash, OaepMethod method, Session& session, CK_OBJECT_HANDLE key,
                         ByteView plaintext, std::size_t modulus_bytes);
/// One decryption in the token; still padded unless `method` is native.
[[nodiscard]] Decrypted open(OaepHash hash, OaepMethod method, Session& session,
                             CK_OBJECT_HANDLE key, ByteView ciphertext);

/// Keys under keys, with a native hash.
[[nodiscard]] Bytes wrap(OaepHash hash, Session& session, CK_OBJECT_HANDLE public_key,
                         CK_OBJECT_HANDLE key);
[[nodiscard]] CK_OBJECT_HANDLE unwrap(OaepHash hash, Session& session, CK_OBJECT_HANDLE private_key,
                                      ByteView wrapped, Attributes&& wanted);

}  // namespace pkcs11::oaep
