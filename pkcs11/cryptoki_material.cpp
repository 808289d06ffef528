#include <array>
#include <optional>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/gcm.h"
#include "pkcs11/templates.h"

// Wrapped material: how it comes into being, and how it comes back into the token.
namespace pkcs11 {
namespace {

[[noreturn]] void reject(const std::string& why) {
  throw Error(Failure::material_rejected, "wrapped material: " + why);
}

/// Answers to a blob, or to the key in it, that a token which is not well gives too.
bool may_be_the_blob(CK_RV rv) {
  return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_KEY_SIZE_RANGE ||
         rv == CKR_MECHANISM_INVALID;
}

}  // namespace

template <class Attempt>
auto CryptokiToken::unless_refused(Session& session, Attempt&& attempt)
    -> std::optional<decltype(attempt())> {
  for (int tries = 0;; ++tries) {
    try {
      return attempt();
    } catch (const Error& error) {
      if (!may_be_the_blob(error.rv())) throw;
    }
    if (session.busy()) session.reopen();
    canary_.prove(session);
    if (tries == 1) return std::nullopt;
  }
}

WrappedMaterial CryptokiToken::generate_wrapped(KeyKind kind, Deadline deadline) {
  const std::optional<ObjectId> under = kek();
  if (kind != KeyKind::aes_256 || !probed_.capabilities.wrap_kwp) {
    throw Error(Failure::unsupported, "the token cannot wrap keys as RFC 5649 says");
  }
  if (!under) throw Error(Failure::unsupported, "the token is open without key-encryption key");
  return connection_->run(deadline, [&](Session& session) {
    try {
      return wrap_new_key(session, *under, deadline);
    } catch (const Error&) {
      // The extractable key, if there is one, goes with the session.
      session.give_up();
      throw;
    }
  });
}

WrappedMaterial CryptokiToken::wrap_new_key(Session& session, const ObjectId& under,
                                            Deadline deadline) {
  const TokenKey kek_key = locate(under, session, deadline);
  const CK_OBJECT_HANDLE extractable =
      session.generate_key(CKM_AES_KEY_GEN, templates::extractable_session_key());
  WrappedMaterial material;
  material.kek = under;
  try {
    material.blob = session.wrap(probed_.key_wrap, kek_key.handle, extractable);
  } catch (const Error& error) {
    if (describe(error.rv()).severity == Severity::handle) keys_.forget(under, kek_key.handle);
    throw;
  }
  if (material.blob.size() != kAes256Wrapped) reject("the token wraps it to an odd length");

  const MaterialCache::Ref unwrapped = unwrap(material, session, deadline);
  try {
    std::array<std::uint8_t, kAes256Bytes> block{};
    session.random(block);
    const GcmIv mode = probed_.capabilities.gcm_iv;
    const GcmCiphertext sealed =
        session.gcm_encrypt(extractable, mode, ByteView(block).first(kGcmIvBytes), block, {});
    const Decrypted opened = session.gcm_decrypt(unwrapped->handle(), sealed.iv, sealed.data, {});
    check(opened.rv, "C_Decrypt");
    if (!opened.plaintext.equals(block)) reject("what was unwrapped is another key");
    session.destroy(extractable);
  } catch (const Error&) {
    materials_.forget(material, unwrapped);
    throw;
  }
  return material;
}

MaterialCache::Ref CryptokiToken::unwrap(const WrappedMaterial& material, Session& session,
                                         Deadline deadline) {
  if (auto known = materials_.find(material)) return known;
  if (material.kind != KeyKind::aes_256 || material.blob.size() != kAes256Wrapped) {
    reject("its length does not fit its kind");
  }
  if (!probed_.capabilities.wrap_kwp) {
    throw Error(Failure::unsupported, "the token cannot unwrap keys as RFC 5649 says");
  }
  return connection_->on_anchor(deadline, [&](Session& anchor) {
    if (auto known = materials_.find(material)) return known;
    for (const CK_OBJECT_HANDLE evicted : materials_.take_evicted()) {
      // An object lost since may have left its handle to another one: never to a token object.
      const std::optional<ObjectInfo> object = anchor.inspect(evicted);
      if (object && !anchor.flag(evicted, CKA_TOKEN)) anchor.destroy(evicted);
    }
    const TokenKey kek_key = locate(material.kek, anchor, deadline);
    if (!(kek_key.type == CKK_AES && kek_key.bytes == kAes256Bytes)) reject("no such wrapping key");
    const CK_OBJECT_HANDLE key = unwrap_blob(anchor, session, material, kek_key.handle);
    if (!is_aes_256(session, key)) {
      anchor.destroy(key);
      reject("it does not hold an AES-256 key");
    }
    return materials_.put(material, key);
  });
}

CK_OBJECT_HANDLE CryptokiToken::unwrap_blob(Session& anchor, Session& session,
                                            const WrappedMaterial& material,
                                            CK_OBJECT_HANDLE kek_handle) {
  const auto key = unless_refused(session, [&] {
    try {
      return anchor.unwrap(probed_.key_wrap, kek_handle, material.blob, templates::unwrapped_key());
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

}  // namespace pkcs11
