#include "pkcs11/cryptoki_token.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "pkcs11/gcm.h"
#include "pkcs11/templates.h"

namespace pkcs11 {
namespace {

using Clock = std::chrono::steady_clock;

/// What remains for cleaning up after a failed creation when the caller's time is over.
constexpr std::chrono::milliseconds kCleanUpWithin{500};

/// The handle that was used may stand for nothing, or for another object, by now.
bool doubts_handle(const Error& error) {
  const Severity severity = describe(error.rv()).severity;
  return severity == Severity::handle || severity == Severity::suspicious;
}

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

bool fits_aes_256(const TokenKey& key) { return key.type == CKK_AES && key.bytes == kAes256Bytes; }

}  // namespace

TokenInfo CryptokiToken::info() const {
  const MutexLock lock(mutex_);
  return info_;
}

std::optional<ObjectId> CryptokiToken::kek() const {
  const MutexLock lock(mutex_);
  return kek_;
}

template <class Operation>
auto CryptokiToken::with_key(const MaterialRef& material, Deadline deadline,
                             Operation&& operation) {
  return connection_->run(deadline, [&](Session& session) {
    const KeyUse key = resolve(material, session, deadline);
    try {
      return operation(session, key.handle);
    } catch (const Error& error) {
      if (doubts_handle(error)) forget(material, key);
      throw;
    }
  });
}

CryptokiToken::KeyUse CryptokiToken::resolve(const MaterialRef& material, Session& session,
                                             Deadline deadline) {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) {
    KeyUse use;
    use.unwrapped = unwrap(*wrapped, session, deadline);
    use.handle = use.unwrapped->handle();
    return use;
  }
  const ObjectId& id = std::get<ObjectMaterial>(material).id;
  const TokenKey key = locate(id, session, deadline);
  if (key.role != Role::key || !fits_aes_256(key)) {
    throw Error(Failure::bad_argument, "object " + to_hex(id) + " is no AES-256 key for data");
  }
  return {key.handle, nullptr};
}

void CryptokiToken::forget(const MaterialRef& material, const KeyUse& key) {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) {
    materials_.forget(*wrapped, key.unwrapped);
  } else {
    keys_.forget(std::get<ObjectMaterial>(material).id, key.handle);
  }
}

TokenKey CryptokiToken::locate(const ObjectId& id, Session& session, Deadline deadline) {
  if (const auto known = keys_.find(id)) return *known;
  const TimedLock lock(objects_mutex_, deadline, "a search");
  if (const auto known = keys_.find(id)) return *known;
  const std::vector<CK_OBJECT_HANDLE> found = session.find(templates::secret_key(id));
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

void CryptokiToken::confirm_absence(Session& session) {
  connection_->check_presence(session);
  const std::optional<ObjectId> canary = canary_.id();
  if (canary && session.find(templates::secret_key(*canary)).empty()) {
    throw Error(Failure::token_absent, "the token does not find its canary", CKR_TOKEN_NOT_PRESENT);
  }
}

ObjectMaterial CryptokiToken::generate_object(KeyKind kind, const ObjectId& id,
                                              const std::string& label, Deadline deadline) {
  if (kind != KeyKind::aes_256) throw Error(Failure::unsupported, "no such kind of key");
  if (label == kKekLabel || label == kCanaryLabel) {
    throw Error(Failure::bad_argument, "the label is the token layer's own");
  }
  bool begun = false;
  try {
    connection_->run(deadline, [&](Session& session) {
      const TimedLock lock(objects_mutex_, deadline, "a creation");
      for (const CK_OBJECT_HANDLE object : session.find(templates::secret_key(id))) {
        if (!begun) throw Error(Failure::bad_argument, "there is an object " + to_hex(id));
        session.destroy(object);
      }
      begun = true;
      try {
        const CK_OBJECT_HANDLE key =
            session.generate_key(CKM_AES_KEY_GEN, templates::token_key(id, label));
        keys_.put(id, {key, CKK_AES, kAes256Bytes, Role::key});
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
  return {.kind = kind, .id = id, .public_key = {}};
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
    const std::vector<CK_OBJECT_HANDLE> found = session.find(templates::secret_key(id));
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
    if (!session.find(templates::secret_key(id)).empty()) return true;
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
  check_plaintext(plaintext.size());
  const GcmIv mode = probed_.capabilities.gcm_iv;
  return with_key(key, deadline, [&](Session& session, CK_OBJECT_HANDLE handle) {
    std::array<std::uint8_t, kGcmIvBytes> iv{};
    if (mode == GcmIv::host) session.random(iv);
    return session.gcm_encrypt(handle, mode, iv, plaintext, aad);
  });
}

SealedRandom CryptokiToken::generate_sealed(const MaterialRef& key, std::size_t size, ByteView aad,
                                            Deadline deadline) {
  if (size == 0) throw Error(Failure::bad_argument, "no bytes to generate");
  check_plaintext(size);
  const GcmIv mode = probed_.capabilities.gcm_iv;
  const std::size_t iv_size = mode == GcmIv::host ? kGcmIvBytes : 0;
  return with_key(key, deadline, [&](Session& session, CK_OBJECT_HANDLE handle) {
    SecretBytes drawn(iv_size + size);
    session.random(drawn.span());
    SealedRandom sealed;
    sealed.plaintext = SecretBytes::copy_of(drawn.view().subspan(iv_size));
    sealed.ciphertext = session.gcm_encrypt(handle, mode, drawn.view().first(iv_size),
                                            sealed.plaintext.view(), aad);
    return sealed;
  });
}

std::optional<SecretBytes> CryptokiToken::gcm_decrypt(const MaterialRef& key, ByteView iv,
                                                      ByteView ciphertext, ByteView aad,
                                                      Deadline deadline) {
  // Not for the token to judge: SoftHSM takes an empty IV, and a tag of no bits.
  if (!usable_gcm_iv(iv.size()) || ciphertext.size() < kGcmTagBytes) return std::nullopt;
  check_plaintext(ciphertext.size() - kGcmTagBytes);
  return with_key(key, deadline, [&](Session& session, CK_OBJECT_HANDLE handle) {
    return decrypt_or_doubt(session, handle, iv, ciphertext, aad);
  });
}

std::optional<SecretBytes> CryptokiToken::decrypt_or_doubt(Session& session, CK_OBJECT_HANDLE key,
                                                           ByteView iv, ByteView ciphertext,
                                                           ByteView aad) {
  Decrypted first = session.gcm_decrypt(key, iv, ciphertext, aad);
  switch (first.rv) {
    case CKR_OK:
      return std::move(first.plaintext);
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_AEAD_DECRYPT_FAILED:
    case CKR_DATA_INVALID:
    case CKR_DATA_LEN_RANGE:
      return std::nullopt;
    case CKR_GENERAL_ERROR:
    case CKR_FUNCTION_FAILED:
      break;
    default:
      raise(first.rv, "C_Decrypt");
  }
  // SoftHSM's answer to a wrong tag, and also to a login or object lost in mid-call. Only if the
  // canary is decrypted before and after a second refusal, in the same fresh session, the
  // ciphertext is at fault.
  session.reopen();
  canary_.prove(session);
  Decrypted second = session.gcm_decrypt(key, iv, ciphertext, aad);
  if (second.rv == CKR_OK) return std::move(second.plaintext);
  if (second.rv != first.rv) raise(second.rv, "C_Decrypt");
  session.reopen();
  canary_.prove(session);
  return std::nullopt;
}

}  // namespace pkcs11
