#pragma once

#include <string_view>

#include "pkcs11/attributes.h"
#include "pkcs11/key_cache.h"
#include "pkcs11/token.h"

namespace pkcs11::templates {

/// How a new sensitive key is held.
enum class Held : std::uint8_t {
  object,       // a token object that never leaves the token
  session,      // a session object that never leaves the token
  extractable,  // a session object that can be wrapped
};

/// For C_GenerateKey, or the private part for C_GenerateKeyPair, with all the uses of the kind.
[[nodiscard]] Attributes key(KeyKind kind, Held held);
/// The public part for C_GenerateKeyPair.
[[nodiscard]] Attributes public_part(KeyKind kind, Held held);
[[nodiscard]] Attributes named(Attributes wanted, const ObjectId& id, std::string_view label);
/// What wrapped material becomes: as key(kind, Held::session), without what the token knows by
/// itself (SoftHSM wants that left out).
[[nodiscard]] Attributes unwrapped(KeyKind kind);
/// A session object for C_CreateObject; nullopt if `public_key` (SubjectPublicKeyInfo) is none of
/// the kind.
[[nodiscard]] std::optional<Attributes> public_object(KeyKind kind, ByteView public_key);
/// What a key agreement gives: a session object to be read.
[[nodiscard]] Attributes shared_secret();

/// A sensitive AES-256 key that never leaves the token, to encrypt and decrypt.
[[nodiscard]] Attributes token_key(const ObjectId& id, std::string_view label);
/// A sensitive AES-256 key that never leaves the token, to wrap and unwrap and for nothing else.
[[nodiscard]] Attributes key_encryption_key(const ObjectId& id);
/// A session key to wrap and unwrap.
[[nodiscard]] Attributes wrapping_session_key();
/// The same, of a known value.
[[nodiscard]] Attributes known_wrapping_key(ByteView value);

/// Searches for token objects of a class.
[[nodiscard]] Attributes objects(CK_OBJECT_CLASS object_class);
[[nodiscard]] Attributes object(CK_OBJECT_CLASS object_class, const ObjectId& id);

}  // namespace pkcs11::templates
