#include "pkcs11/cryptoki_token.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "pkcs11/gcm.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/public_key.h"
#include "pkcs11/templates.h"

namespace pkcs11 {
namespace {

using Clock = std::chrono::steady_clock;

/// What remains for cleaning up after a failed creation when the caller's time is over.
constexpr std::chrono::milliseconds kCleanUpWithin{500};

/// Answers to a creation that the token gives before it begins to create.
bool not_begun(CK_RV rv) {
  switch (rv) {
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_OPERATION_ACTIVE:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_SLOT_ID_INVALID:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
      return true;
    default:
      return false;
  }
}

CK_OBJECT_CLASS main_class(KeyKind kind) {
  return is_pair(kind) ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
}

void check_is_aes(const MaterialRef& key) {
  if (kind_of(key) != KeyKind::aes_256) throw Error(Failure::bad_argument, "not an AES key");
}

}  // namespace

TokenInfo CryptokiToken::info() const {
  const MutexLock lock(mutex_);
  return info_;
}

std::optional<ObjectId> CryptokiToken::kek() const {
  const MutexLock lock(mutex_);
  return kek_;
}

bool CryptokiToken::doubts_handle(const Error& error) {
  return loses_object(error) || describe(error.rv()).severity == Severity::suspicious;
}

bool CryptokiToken::loses_object(const Error& error) {
  return describe(error.rv()).severity == Severity::handle;
}

CryptokiToken::KeyUse CryptokiToken::resolve(const MaterialRef& material, Session& session,
                                             Deadline deadline) {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) {
    KeyUse use;
    use.unwrapped = unwrap(*wrapped, session, deadline);
    use.handle = use.unwrapped->handle();
    return use;
  }
  const auto& object = std::get<ObjectMaterial>(material);
  const TokenKey key = locate(object.id, main_class(object.kind), session, deadline);
  if (key.role != Role::key || key.kind != object.kind) {
    throw Error(Failure::bad_argument, "object " + to_hex(object.id) + " is not of its kind");
  }
  return {key.handle, nullptr};
}

void CryptokiToken::forget(const MaterialRef& material, const KeyUse& key, bool gone) {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) {
    materials_.forget(*wrapped, key.unwrapped, gone);
  } else {
    keys_.forget(std::get<ObjectMaterial>(material).id, key.handle);
  }
}

TokenKey CryptokiToken::locate(const ObjectId& id, CK_OBJECT_CLASS object_class, Session& session,
                               Deadline deadline) {
  if (const auto known = keys_.find(id)) return *known;
  const TimedLock lock(objects_mutex_, deadline, "a search");
  if (const auto known = keys_.find(id)) return *known;
  const std::vector<CK_OBJECT_HANDLE> found = session.find(templates::object(object_class, id));
  if (found.size() > 1) {
    throw Error(Failure::other, "several objects have the CKA_ID " + to_hex(id));
  }
  const std::optional<ObjectInfo> object =
      found.empty() ? std::nullopt : session.inspect(found.front());
  if (!object) {
    confirm_absence(session);
    throw Error(Failure::key_not_found, "the token does not hold object " + to_hex(id));
  }
  const TokenKey key = token_key(*object);
  keys_.put(id, key);
  return key;
}

CK_OBJECT_HANDLE CryptokiToken::public_part(const MaterialRef& material, const KeyUse& key,
                                            Session& session, Deadline deadline) {
  if (key.unwrapped != nullptr) return key.unwrapped->public_key();
  const auto& object = std::get<ObjectMaterial>(material);
  const auto known = keys_.find(object.id);
  if (known && known->handle == key.handle && known->public_key != CK_INVALID_HANDLE) {
    return known->public_key;
  }
  const CK_OBJECT_HANDLE found = find_public_part(object, session, deadline);
  keys_.put_public(object.id, key.handle, found);
  return found;
}

CK_OBJECT_HANDLE CryptokiToken::find_public_part(const ObjectMaterial& material, Session& session,
                                                 Deadline deadline) {
  {
    const TimedLock lock(objects_mutex_, deadline, "a search");
    for (const CK_OBJECT_HANDLE object :
         session.find(templates::object(CKO_PUBLIC_KEY, material.id))) {
      // Whoever can write to the token can plant a public key with our id.
      if (material.public_key.empty() ||
          read_public_key(session, material.kind, object) == material.public_key) {
        return object;
      }
    }
  }
  std::optional<Attributes> wanted = templates::public_object(material.kind, material.public_key);
  if (!wanted) throw Error(Failure::key_not_found, "the token does not hold the public key");
  return connection_->on_anchor(deadline,
                                [&](Session& anchor) { return anchor.create(std::move(*wanted)); });
}

std::vector<CK_OBJECT_HANDLE> CryptokiToken::find_parts(Session& session, const ObjectId& id) {
  std::vector<CK_OBJECT_HANDLE> parts = session.find(templates::object(CKO_SECRET_KEY, id));
  if (!parts.empty()) return parts;
  for (const CK_OBJECT_CLASS object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
    const std::vector<CK_OBJECT_HANDLE> found = session.find(templates::object(object_class, id));
    parts.insert(parts.end(), found.begin(), found.end());
  }
  return parts;
}

void CryptokiToken::confirm_absence(Session& session) {
  connection_->check_presence(session);
  const std::optional<ObjectId> canary = canary_.id();
  if (canary && session.find(templates::object(CKO_SECRET_KEY, *canary)).empty()) {
    throw Error(Failure::token_absent, "the token does not find its canary", CKR_TOKEN_NOT_PRESENT);
  }
}

ObjectMaterial CryptokiToken::generate_object(KeyKind kind, const ObjectId& id,
                                              const std::string& label, Deadline deadline) {
  if (label == kKekLabel || label == kCanaryLabel || label == kTransportLabel) {
    throw Error(Failure::bad_argument, "the label is the token layer's own");
  }
  ObjectMaterial material{.kind = kind, .id = id, .public_key = {}};
  bool begun = false;
  try {
    connection_->run(deadline, [&](Session& session) {
      const TimedLock lock(objects_mutex_, deadline, "a creation");
      for (const CK_OBJECT_HANDLE object : find_parts(session, id)) {
        if (!begun) throw Error(Failure::bad_argument, "there is an object " + to_hex(id));
        session.destroy(object);
      }
      begun = true;
      try {
        material.public_key = make_object(session, kind, id, label);
      } catch (const Error& error) {
        session.give_up();
        if (not_begun(error.rv())) throw;
        // The token may create the key yet. Another one under the same id would be a disaster.
        throw Error(error.failure(), error.what());
      }
    });
  } catch (const Error&) {
    if (begun) remove_leftovers(id, deadline);
    throw;
  }
  return material;
}

Bytes CryptokiToken::make_object(Session& session, KeyKind kind, const ObjectId& id,
                                 const std::string& label) {
  using templates::Held;
  Attributes wanted = templates::named(templates::key(kind, Held::object), id, label);
  const CK_MECHANISM_TYPE mechanism = pkcs11::info(kind).generation;
  if (!is_pair(kind)) {
    const CK_OBJECT_HANDLE key = session.generate_key(mechanism, std::move(wanted));
    keys_.put(id, {.handle = key, .kind = kind});
    return {};
  }
  const KeyPair pair = session.generate_pair(
      mechanism, templates::named(templates::public_part(kind, Held::object), id, label),
      std::move(wanted));
  Bytes public_key = read_public_key(session, kind, pair.public_key);
  keys_.put(id, {.handle = pair.private_key, .kind = kind, .public_key = pair.public_key});
  return public_key;
}

void CryptokiToken::remove_leftovers(const ObjectId& id, Deadline deadline) noexcept {
  try {
    destroy_object(id, std::max(deadline, Clock::now() + kCleanUpWithin));
  } catch (const Error& error) {
    connection_->log("object " + to_hex(id) + " may be left behind: " + error.what());
  }
}

bool CryptokiToken::destroy_object(const ObjectId& id, Deadline deadline) {
  bool tried = false;
  return connection_->run(deadline, [&](Session& session) {
    const TimedLock lock(objects_mutex_, deadline, "a destruction");
    keys_.forget(id);
    const std::vector<CK_OBJECT_HANDLE> found = find_parts(session, id);
    if (found.empty()) {
      confirm_absence(session);
      return tried;
    }
    for (const CK_OBJECT_HANDLE object : found) {
      const std::optional<ObjectInfo> info = session.inspect(object);
      if (!info) continue;
      if (token_key(*info).role != Role::key) {
        throw Error(Failure::bad_argument, "object " + to_hex(id) + " is the token layer's own");
      }
      tried = true;
      session.destroy(object);
    }
    return true;
  });
}

bool CryptokiToken::has_object(const ObjectId& id, Deadline deadline) {
  return connection_->run(deadline, [&](Session& session) {
    const TimedLock lock(objects_mutex_, deadline, "a search");
    // A public key alone is no key any more.
    for (const CK_OBJECT_CLASS object_class : {CKO_SECRET_KEY, CKO_PRIVATE_KEY}) {
      if (!session.find(templates::object(object_class, id)).empty()) return true;
    }
    keys_.forget(id);
    confirm_absence(session);
    return false;
  });
}

std::vector<TokenObject> CryptokiToken::objects(Deadline deadline) {
  return connection_->run(deadline, [&](Session& session) {
    const TimedLock lock(objects_mutex_, deadline, "a search");
    std::vector<TokenObject> ours;
    const std::vector<ObjectInfo> all = enumerate(session);
    if (all.empty()) confirm_absence(session);
    for (const ObjectInfo& object : all) {
      if (token_key(object).role == Role::key) ours.push_back({*object_id(object), object.label});
    }
    return ours;
  });
}

void CryptokiToken::random(std::span<std::uint8_t> out, Deadline deadline) {
  connection_->run(deadline, [&](Session& session) { session.random(out); });
}

void CryptokiToken::check_plaintext(std::size_t size) const {
  if (!probed_.capabilities.aes_gcm) throw Error(Failure::unsupported, "the token has no AES-GCM");
  if (size > probed_.capabilities.gcm_max) {
    throw Error(Failure::unsupported, "the token encrypts " +
                                          std::to_string(probed_.capabilities.gcm_max) +
                                          " bytes at once, not " + std::to_string(size));
  }
}

GcmCiphertext CryptokiToken::gcm_encrypt(const MaterialRef& key, ByteView plaintext, ByteView aad,
                                         Deadline deadline) {
  check_is_aes(key);
  check_plaintext(plaintext.size());
  const GcmIv mode = probed_.capabilities.gcm_iv;
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    std::array<std::uint8_t, kGcmIvBytes> iv{};
    if (mode == GcmIv::host) session.random(iv);
    return session.gcm_encrypt(use.handle, mode, iv, plaintext, aad);
  });
}

SealedRandom CryptokiToken::generate_sealed(const MaterialRef& key, std::size_t size, ByteView aad,
                                            Deadline deadline) {
  check_is_aes(key);
  if (size == 0) throw Error(Failure::bad_argument, "no bytes to generate");
  check_plaintext(size);
  const GcmIv mode = probed_.capabilities.gcm_iv;
  const std::size_t iv_size = mode == GcmIv::host ? kGcmIvBytes : 0;
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    SecretBytes drawn(iv_size + size);
    session.random(drawn.span());
    SealedRandom sealed;
    sealed.plaintext = SecretBytes::copy_of(drawn.view().subspan(iv_size));
    sealed.ciphertext = session.gcm_encrypt(use.handle, mode, drawn.view().first(iv_size),
                                            sealed.plaintext.view(), aad);
    return sealed;
  });
}

std::optional<SecretBytes> CryptokiToken::gcm_decrypt(const MaterialRef& key, ByteView iv,
                                                      ByteView ciphertext, ByteView aad,
                                                      Deadline deadline) {
  check_is_aes(key);
  // Not for the token to judge: SoftHSM takes an empty IV, and a tag of no bits.
  if (!usable_gcm_iv(iv.size()) || ciphertext.size() < kGcmTagBytes) return std::nullopt;
  check_plaintext(ciphertext.size() - kGcmTagBytes);
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    Decrypted opened;
    const bool authentic = decrypts(session, [&] {
      opened = session.gcm_decrypt(use.handle, iv, ciphertext, aad);
      return opened.rv;
    });
    return authentic ? std::optional(std::move(opened.plaintext)) : std::nullopt;
  });
}

}  // namespace pkcs11
