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
  readable,     // a session object whose value can be read
};

/// For C_GenerateKey, or the private part for C_GenerateKeyPair, with all the uses of the kind.
[[nodiscard]] Attributes key(KeyKind kind, Held held);
/// The public part for C_GenerateKeyPair.
[[nodiscard]] Attributes public_part(KeyKind kind, Held held);
[[nodiscard]] Attributes named(Attributes wanted, const ObjectId& id, std::string_view label);
/// What wrapped material becomes: as key(kind, held), without what the token knows by itself
/// (SoftHSM wants that left out).
[[nodiscard]] Attributes unwrapped(KeyKind kind, Held held = Held::session);
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
/// The same, of a known value; unwrapped; to be wrapped itself.
[[nodiscard]] Attributes known_wrapping_key(ByteView value);
[[nodiscard]] Attributes unwrapped_wrapping_key();
[[nodiscard]] Attributes extractable_wrapping_key();
/// The private part of an RSA-4096 pair that never leaves the token, to unwrap and for nothing
/// else, and its public part.
[[nodiscard]] Attributes transport_key(const ObjectId& id);
[[nodiscard]] Attributes transport_public_part(const ObjectId& id);
/// A public key to wrap with, as a session object; nullopt if it is no RSA-4096 key.
[[nodiscard]] std::optional<Attributes> wrapping_public_key(ByteView public_key);
/// Ed25519 keys from outside, as token objects: `seed` is the private key of RFC 8032.
[[nodiscard]] Attributes known_ed25519_key(ByteView seed);
[[nodiscard]] std::optional<Attributes> public_token_object(KeyKind kind, ByteView public_key);

/// Searches for token objects of a class.
[[nodiscard]] Attributes objects(CK_OBJECT_CLASS object_class);
[[nodiscard]] Attributes object(CK_OBJECT_CLASS object_class, const ObjectId& id);

}  // namespace pkcs11::templates
