#include "pkcs11/templates.h"

#include <array>

#include "pkcs11/gcm.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/public_key.h"

namespace pkcs11::templates {
namespace {

constexpr std::array<std::uint8_t, 3> kExponent{0x01, 0x00, 0x01};

struct Uses {
  bool encrypts = false;
  bool signs = false;
  bool wraps = false;
  bool derives = false;
};

/// The uses of secret and private keys of the kind. RSA keys unwrap what is imported.
Uses uses(KeyKind kind) {
  switch (info(kind).family) {
    case KeyFamily::aes:
      return {.encrypts = true};
    case KeyFamily::rsa:
      return {.encrypts = true, .signs = true, .wraps = true};
    case KeyFamily::ec:
      return {.signs = true, .derives = true};
    case KeyFamily::hmac:
    case KeyFamily::edwards:
    case KeyFamily::ml_dsa:
      return {.signs = true};
  }
  return {};
}

// Every use is spelt out: what a token takes for granted where one is left out differs.
Attributes secret(CK_KEY_TYPE type, Held held, const Uses& uses) {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_SECRET_KEY)
      .add(CKA_KEY_TYPE, type)
      .flag(CKA_TOKEN, held == Held::object)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, held != Held::readable)
      .flag(CKA_EXTRACTABLE, held == Held::extractable || held == Held::readable)
      .flag(CKA_ENCRYPT, uses.encrypts)
      .flag(CKA_DECRYPT, uses.encrypts)
      .flag(CKA_WRAP, uses.wraps)
      .flag(CKA_UNWRAP, uses.wraps)
      .flag(CKA_SIGN, uses.signs)
      .flag(CKA_VERIFY, uses.signs)
      .flag(CKA_DERIVE, uses.derives);
  return wanted;
}

Attributes private_part(CK_KEY_TYPE type, Held held, const Uses& uses) {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_PRIVATE_KEY)
      .add(CKA_KEY_TYPE, type)
      .flag(CKA_TOKEN, held == Held::object)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, held != Held::readable)
      .flag(CKA_EXTRACTABLE, held == Held::extractable || held == Held::readable)
      .flag(CKA_DECRYPT, uses.encrypts)
      .flag(CKA_SIGN, uses.signs)
      .flag(CKA_UNWRAP, uses.wraps)
      .flag(CKA_DERIVE, uses.derives);
  return wanted;
}

Attributes public_key_object(CK_KEY_TYPE type, bool token, const Uses& may) {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_PUBLIC_KEY)
      .add(CKA_KEY_TYPE, type)
      .flag(CKA_TOKEN, token)
      .flag(CKA_PRIVATE, false)
      .flag(CKA_ENCRYPT, may.encrypts)
      .flag(CKA_VERIFY, may.signs)
      .flag(CKA_WRAP, may.wraps);
  return wanted;
}

Attributes public_key_object(KeyKind kind, bool token) {
  return public_key_object(info(kind).type, token, uses(kind));
}

Attributes aes(Held held, const Uses& uses) {
  Attributes wanted = secret(CKK_AES, held, uses);
  wanted.add(CKA_VALUE_LEN, CK_ULONG{kAes256Bytes});
  return wanted;
}

}  // namespace

Attributes key(KeyKind kind, Held held) {
  const KeyKindInfo& row = info(kind);
  if (is_pair(kind)) return private_part(row.type, held, uses(kind));
  Attributes wanted = secret(row.type, held, uses(kind));
  wanted.add(CKA_VALUE_LEN, CK_ULONG{row.bytes});
  return wanted;
}

Attributes public_part(KeyKind kind, Held held) {
  const KeyKindInfo& row = info(kind);
  Attributes wanted = public_key_object(kind, held == Held::object);
  switch (row.family) {
    case KeyFamily::rsa:
      wanted.add(CKA_MODULUS_BITS, CK_ULONG{row.bytes * 8})
          .add(CKA_PUBLIC_EXPONENT, ByteView(kExponent));
      break;
    case KeyFamily::ec:
    case KeyFamily::edwards:
      wanted.add(CKA_EC_PARAMS, row.curve);
      break;
    case KeyFamily::ml_dsa:
      wanted.add(CKA_PARAMETER_SET, row.parameter_set);
      break;
    case KeyFamily::aes:
    case KeyFamily::hmac:
      break;
  }
  return wanted;
}

Attributes named(Attributes wanted, const ObjectId& id, std::string_view label) {
  wanted.add(CKA_ID, ByteView(id)).add(CKA_LABEL, label);
  return wanted;
}

Attributes unwrapped(KeyKind kind, Held held) {
  const KeyKindInfo& row = info(kind);
  return is_pair(kind) ? private_part(row.type, held, uses(kind))
                       : secret(row.type, held, uses(kind));
}

std::optional<Attributes> public_object(KeyKind kind, ByteView public_key) {
  Attributes wanted = public_key_object(kind, false);
  if (!add_public_key(wanted, kind, public_key)) return std::nullopt;
  return wanted;
}

std::optional<Attributes> public_token_object(KeyKind kind, ByteView public_key) {
  Attributes wanted = public_key_object(kind, true);
  if (!add_public_key(wanted, kind, public_key)) return std::nullopt;
  return wanted;
}

Attributes shared_secret() {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_SECRET_KEY)
      .add(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, false)
      .flag(CKA_EXTRACTABLE, true);
  return wanted;
}

Attributes token_key(const ObjectId& id, std::string_view label) {
  return named(key(KeyKind::aes_256, Held::object), id, label);
}

Attributes key_encryption_key(const ObjectId& id) {
  return named(aes(Held::object, {.wraps = true}), id, kKekLabel);
}

Attributes wrapping_session_key() { return aes(Held::session, {.wraps = true}); }

Attributes known_wrapping_key(ByteView value) {
  Attributes wanted = secret(CKK_AES, Held::session, {.wraps = true});
  wanted.add(CKA_VALUE, value);
  return wanted;
}

Attributes unwrapped_wrapping_key() { return secret(CKK_AES, Held::session, {.wraps = true}); }

Attributes extractable_wrapping_key() { return aes(Held::extractable, {.wraps = true}); }

Attributes transport_key(const ObjectId& id) {
  return named(private_part(CKK_RSA, Held::object, {.wraps = true}), id, kTransportLabel);
}

Attributes transport_public_part(const ObjectId& id) {
  Attributes wanted = public_key_object(CKK_RSA, true, {.wraps = true});
  wanted.add(CKA_MODULUS_BITS, CK_ULONG{info(KeyKind::rsa_4096).bytes * 8})
      .add(CKA_PUBLIC_EXPONENT, ByteView(kExponent));
  return named(std::move(wanted), id, kTransportLabel);
}

std::optional<Attributes> wrapping_public_key(ByteView public_key) {
  Attributes wanted = public_key_object(CKK_RSA, false, {.wraps = true});
  if (!add_public_key(wanted, KeyKind::rsa_4096, public_key)) return std::nullopt;
  return wanted;
}

Attributes known_ed25519_key(ByteView seed) {
  const KeyKindInfo& row = info(KeyKind::ed25519);
  Attributes wanted = private_part(row.type, Held::object, uses(row.kind));
  wanted.add(CKA_EC_PARAMS, row.curve).add(CKA_VALUE, seed);
  return wanted;
}

Attributes objects(CK_OBJECT_CLASS object_class) {
  Attributes wanted;
  wanted.add(CKA_CLASS, object_class).flag(CKA_TOKEN, true);
  return wanted;
}

Attributes object(CK_OBJECT_CLASS object_class, const ObjectId& id) {
  Attributes wanted = objects(object_class);
  wanted.add(CKA_ID, ByteView(id));
  return wanted;
}

}  // namespace pkcs11::templates
