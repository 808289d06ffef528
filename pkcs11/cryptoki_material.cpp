#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/gcm.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/public_key.h"
#include "pkcs11/signature_scheme.h"
#include "pkcs11/templates.h"

// Wrapped material: how it comes into being, and how it comes back into the token.
namespace pkcs11 {
namespace {

using templates::Held;

[[noreturn]] void reject(const std::string& why) {
  throw Error(Failure::material_rejected, "wrapped material: " + why);
}

}  // namespace

ObjectId CryptokiToken::wrapping_kek() const {
  const std::optional<ObjectId> under = kek();
  if (!probed_.capabilities.wrap_kwp) {
    throw Error(Failure::unsupported, "the token cannot wrap keys as RFC 5649 says");
  }
  if (!under) throw Error(Failure::unsupported, "the token is open without key-encryption key");
  return *under;
}

WrappedMaterial CryptokiToken::generate_wrapped(KeyKind kind, Deadline deadline) {
  const ObjectId under = wrapping_kek();
  return connection_->run(deadline, [&](Session& session) {
    try {
      return wrap_new_key(session, kind, under, deadline);
    } catch (const Error&) {
      // The extractable key, if there is one, goes with the session.
      session.give_up();
      throw;
    }
  });
}

WrappedMaterial CryptokiToken::wrap_new_key(Session& session, KeyKind kind, const ObjectId& under,
                                            Deadline deadline) {
  const CK_MECHANISM_TYPE generation = pkcs11::info(kind).generation;
  KeyPair fresh;
  Bytes public_key;
  if (is_pair(kind)) {
    fresh = session.generate_pair(generation, templates::public_part(kind, Held::extractable),
                                  templates::key(kind, Held::extractable));
    public_key = read_public_key(session, kind, fresh.public_key);
  } else {
    fresh.private_key = session.generate_key(generation, templates::key(kind, Held::extractable));
  }
  return hold_wrapped(session, kind, fresh, std::move(public_key), under, deadline);
}

WrappedMaterial CryptokiToken::hold_wrapped(Session& session, KeyKind kind, const KeyPair& fresh,
                                            Bytes public_key, const ObjectId& under,
                                            Deadline deadline) {
  const TokenKey kek_key = locate(under, CKO_SECRET_KEY, session, deadline);
  WrappedMaterial material{
      .kind = kind, .kek = under, .blob = {}, .public_key = std::move(public_key)};
  try {
    material.blob = session.wrap(probed_.key_wrap, kek_key.handle, fresh.private_key);
  } catch (const Error& error) {
    if (describe(error.rv()).severity == Severity::handle) keys_.forget(under, kek_key.handle);
    throw;
  }
  if (!is_wrapped_size(kind, material.blob.size())) reject("the token wraps it to an odd length");

  const MaterialCache::Ref unwrapped = unwrap(material, session, deadline);
  try {
    prove_equal(session, kind, fresh, *unwrapped);
    session.destroy(fresh.private_key);
    if (is_pair(kind)) session.destroy(fresh.public_key);
  } catch (const Error&) {
    // If it is a handle that is lost, it may be that of `fresh`.
    materials_.forget(material, unwrapped, false);
    throw;
  }
  return material;
}

void CryptokiToken::prove_equal(Session& session, KeyKind kind, const KeyPair& fresh,
                                const MaterialCache::Unwrapped& unwrapped) {
  std::array<std::uint8_t, kAes256Bytes> block{};
  session.random(block);
  bool equal = false;
  switch (pkcs11::info(kind).family) {
    case KeyFamily::aes: {
      const GcmCiphertext sealed =
          session.gcm_encrypt(fresh.private_key, probed_.capabilities.gcm_iv,
                              ByteView(block).first(kGcmIvBytes), block, {});
      const Decrypted opened = session.gcm_decrypt(unwrapped.handle(), sealed.iv, sealed.data, {});
      check(opened.rv, "C_Decrypt");
      equal = opened.plaintext.equals(block);
      break;
    }
    case KeyFamily::hmac: {
      const CK_MECHANISM_TYPE mac = pkcs11::info(kind).mac;
      const Bytes before = session.sign(mac, fresh.private_key, block);
      equal = session.sign(mac, unwrapped.handle(), block) == before;
      break;
    }
    case KeyFamily::rsa:
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::ml_dsa:
      equal = is_one_pair(session, kind, {unwrapped.handle(), fresh.public_key});
      break;
  }
  if (!equal) reject("what was unwrapped is another key");
}

bool CryptokiToken::is_one_pair(Session& session, KeyKind kind, const KeyPair& pair) {
  const SchemeInfo& scheme = proving_scheme(kind);
  const SigningMechanism mechanism(scheme, false);
  Bytes data(scheme.digest_info.begin(), scheme.digest_info.end());
  std::array<std::uint8_t, kAes256Bytes> block{};
  session.random(block);
  data.insert(data.end(), block.begin(), block.end());
  const Bytes signature = session.sign(mechanism.get(), pair.private_key, data);
  return session.verify(mechanism.get(), pair.public_key, data, signature);
}

MaterialCache::Ref CryptokiToken::unwrap(const WrappedMaterial& material, Session& session,
                                         Deadline deadline) {
  if (auto known = materials_.find(material)) return known;
  if (!is_wrapped_size(material.kind, material.blob.size())) {
    reject("its length does not fit its kind");
  }
  if (!probed_.capabilities.wrap_kwp) {
    throw Error(Failure::unsupported, "the token cannot unwrap keys as RFC 5649 says");
  }
  return connection_->on_anchor(deadline, [&](Session& anchor) {
    if (auto known = materials_.find(material)) return known;
    destroy_evicted(anchor);
    const TokenKey kek_key = locate(material.kek, CKO_SECRET_KEY, anchor, deadline);
    if (kek_key.kind != KeyKind::aes_256) reject("no such wrapping key");
    const CK_OBJECT_HANDLE key = unwrap_blob(anchor, session, material, kek_key.handle);
    return take_in(material, key, anchor, session);
  });
}

void CryptokiToken::destroy_evicted(Session& anchor) {
  for (const CK_OBJECT_HANDLE evicted : materials_.take_evicted()) {
    try {
      // An object lost since may have left its handle to another one: never to a token object.
      const std::optional<ObjectInfo> object = anchor.inspect(evicted);
      if (object && !anchor.flag(evicted, CKA_TOKEN)) anchor.destroy(evicted);
    } catch (const Error& error) {
      // That is nothing to the key that is wanted now. What ails the session, it will meet as well.
      connection_->log(std::string("a key out of use stays in the token: ") + error.what());
      if (describe(error.rv()).severity == Severity::caller && is_refusal(error)) continue;
      materials_.discard(evicted, CK_INVALID_HANDLE);
    }
  }
}

MaterialCache::Ref CryptokiToken::take_in(const WrappedMaterial& material, CK_OBJECT_HANDLE key,
                                          Session& anchor, Session& session) {
  KeyPair made{.private_key = key};
  try {
    bool sound = true;
    if (is_pair(material.kind)) {
      std::optional<Attributes> wanted =
          templates::public_object(material.kind, material.public_key);
      sound = wanted.has_value();
      if (sound) made.public_key = anchor.create(std::move(*wanted));
    }
    if (sound && is_as_told(material, made, session)) {
      return materials_.put(material, made.private_key, made.public_key);
    }
  } catch (const Error&) {
    materials_.discard(made.private_key, made.public_key);
    throw;
  }
  anchor.destroy(made.private_key);
  if (made.public_key != CK_INVALID_HANDLE) anchor.destroy(made.public_key);
  reject("it does not hold a key of its kind, or not that of its public key");
}

bool CryptokiToken::is_as_told(const WrappedMaterial& material, const KeyPair& key,
                               Session& session) {
  switch (pkcs11::info(material.kind).family) {
    case KeyFamily::aes:
      return is_aes_256(session, key.private_key);
    case KeyFamily::hmac:
      return is_hmac_key(session, material.kind, key.private_key);
    case KeyFamily::rsa: {
      const std::optional<ObjectInfo> made = session.inspect(key.private_key);
      return made && kind_of(*made) == material.kind &&
             rsa_modulus(material.kind, material.public_key) == made->modulus;
    }
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::ml_dsa: {
      const std::optional<ObjectInfo> made = session.inspect(key.private_key);
      return made && kind_of(*made) == material.kind && is_one_pair(session, material.kind, key);
    }
  }
  return false;
}

CK_OBJECT_HANDLE CryptokiToken::unwrap_blob(Session& anchor, Session& session,
                                            const WrappedMaterial& material,
                                            CK_OBJECT_HANDLE kek_handle) {
  const auto key = unless_refused(session, [&] {
    try {
      return anchor.unwrap(probed_.key_wrap, kek_handle, material.blob,
                           templates::unwrapped(material.kind));
    } catch (const Error& error) {
      if (describe(error.rv()).severity == Severity::handle) keys_.forget(material.kek, kek_handle);
      throw;
    }
  });
  if (!key) reject("the token's key-encryption key does not open it");
  return *key;
}

bool CryptokiToken::is_aes_256(Session& session, CK_OBJECT_HANDLE key) {
  const std::optional<ObjectInfo> made = session.inspect(key);
  if (!made || made->type != CKK_AES) return false;
  if (made->bytes != 0) return made->bytes == kAes256Bytes;
  // SoftHSM 2.6.1 unwraps any number of bytes to an "AES key" and tells CKA_VALUE_LEN 0. The blob
  // has room for 25 to 32 of them, and among these only 32 make a key that a decryption can begin
  // with.
  const auto usable = unless_refused(session, [&] {
    (void)session.gcm_decrypt(key, Bytes(kGcmIvBytes, 1), Bytes(kGcmTagBytes), {});
    return true;
  });
  if (session.busy()) session.reopen();
  return usable.has_value();
}

bool CryptokiToken::is_hmac_key(Session& session, KeyKind kind, CK_OBJECT_HANDLE key) {
  const KeyKindInfo& row = pkcs11::info(kind);
  const std::optional<ObjectInfo> made = session.inspect(key);
  if (!made || made->type != row.type) return false;
  // SoftHSM before 2.7.0 fills keys up with zeros to whole blocks of 8 bytes before it wraps them,
  // which changes no HMAC.
  const std::size_t filled_up = (row.bytes + 7) / 8 * 8;
  if (made->bytes != 0) return made->bytes == row.bytes || made->bytes == filled_up;
  try {
    (void)session.sign(row.mac, key, {});
    return true;
  } catch (const Error& error) {
    if (error.rv() != CKR_KEY_SIZE_RANGE) throw;
    if (session.busy()) session.reopen();
    return false;
  }
}

}  // namespace pkcs11
