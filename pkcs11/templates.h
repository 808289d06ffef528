#pragma once

#include <string_view>

#include "pkcs11/attributes.h"
#include "pkcs11/key_cache.h"
#include "pkcs11/token.h"

namespace pkcs11::templates {

/// A sensitive AES-256 key that never leaves the token, to encrypt and decrypt.
[[nodiscard]] Attributes token_key(const ObjectId& id, std::string_view label);
/// A sensitive AES-256 key that never leaves the token, to wrap and unwrap and for nothing else.
[[nodiscard]] Attributes key_encryption_key(const ObjectId& id);

/// Session keys: to encrypt and decrypt; the same and extractable, to be wrapped; to wrap and
/// unwrap.
[[nodiscard]] Attributes session_key();
[[nodiscard]] Attributes extractable_session_key();
[[nodiscard]] Attributes wrapping_session_key();
/// The same as wrapping_session_key(), of a known value.
[[nodiscard]] Attributes known_wrapping_key(ByteView value);
/// What wrapped material becomes: as session_key(), without the length, which SoftHSM wants left
/// out.
[[nodiscard]] Attributes unwrapped_key();

/// Searches.
[[nodiscard]] Attributes secret_keys();
[[nodiscard]] Attributes secret_key(const ObjectId& id);

}  // namespace pkcs11::templates
