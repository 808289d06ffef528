#include <algorithm>
#include <chrono>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/gcm.h"
#include "pkcs11/probe.h"
#include "pkcs11/templates.h"

// What a login brings: the handles of all keys, the canary, the capabilities, the key-encryption
// key.
namespace pkcs11 {
namespace {

/// The object of ours for `role`. Several can come of two nodes' first logins; all nodes take the
/// same one.
template <class Usable>
const ObjectInfo* choose(const std::vector<ObjectInfo>& objects, Role role, Usable&& usable) {
  const ObjectInfo* chosen = nullptr;
  for (const ObjectInfo& object : objects) {
    const TokenKey key = token_key(object);
    if (key.role != role || key.kind != KeyKind::aes_256) continue;
    if (chosen != nullptr && chosen->id < object.id) continue;
    if (usable(object)) chosen = &object;
  }
  return chosen;
}

}  // namespace

CryptokiToken::CryptokiToken(std::shared_ptr<LoadedModule> module, TokenOptions options,
                             Deadline deadline)
    : materials_(options.max_cached_materials),
      connection_(std::make_shared<Connection>(module, std::move(options),
                                               static_cast<Connection::Listener&>(*this))) {
  try {
    module->enroll(connection_, deadline);
    connection_->open(deadline);
  } catch (...) {
    connection_->close();
    throw;
  }
}

CryptokiToken::~CryptokiToken() { connection_->close(); }

void CryptokiToken::logged_out() noexcept {
  keys_.clear();
  materials_.clear();
  canary_.forget();
}

void CryptokiToken::logged_in(Session& anchor, const PresentToken& token, Deadline deadline) {
  const TimedLock lock(objects_mutex_, deadline, "the search for keys");
  const std::vector<ObjectInfo> objects = enumerate(anchor);
  settle_canary(anchor, objects);
  if (!probed_once_) {
    LoadedModule& module = connection_->module();
    const std::string name =
        token.info.serial + "|" + token.info.firmware + "|" + token.info.library;
    const auto known = module.known_capabilities(name);
    probed_ = known ? *known
                    : probe(module.functions(), token.slot, connection_->options().quirks,
                            canary_.key(), deadline);
    if (probed_.certain) module.learn_capabilities(name, probed_);
    probed_once_ = true;
  }
  if (probed_.capabilities.aes_gcm) {
    canary_.seal(anchor, probed_.capabilities.gcm_iv);
    canary_.prove(anchor);
  }
  if (connection_->options().wrap_materials && probed_.capabilities.wrap_kwp) {
    settle_kek(anchor, objects);
  }
  const MutexLock info_lock(mutex_);
  info_ = token.info;
  transport_.reset();
}

std::vector<ObjectInfo> CryptokiToken::enumerate(Session& session) {
  std::vector<ObjectInfo> objects;
  for (const CK_OBJECT_CLASS object_class : {CKO_SECRET_KEY, CKO_PRIVATE_KEY}) {
    for (const CK_OBJECT_HANDLE handle : session.find(templates::objects(object_class))) {
      std::optional<ObjectInfo> object = session.inspect(handle);
      const std::optional<ObjectId> id = object ? object_id(*object) : std::nullopt;
      if (!id) continue;
      keys_.put(*id, token_key(*object));
      objects.push_back(std::move(*object));
    }
  }
  return objects;
}

ObjectId CryptokiToken::draw_id(Session& session) {
  ObjectId id{};
  session.random(id);
  return id;
}

CK_OBJECT_HANDLE CryptokiToken::make_own_object(Session& anchor, const ObjectId& id,
                                                Attributes&& wanted) {
  try {
    return anchor.generate_key(CKM_AES_KEY_GEN, std::move(wanted));
  } catch (const Error& error) {
    // A session that still works tells what was left behind; if none does, the next login chooses
    // it.
    if (describe(error.rv()).severity == Severity::caller) {
      for (const CK_OBJECT_HANDLE left : anchor.find(templates::object(CKO_SECRET_KEY, id)))
        anchor.destroy(left);
    }
    throw;
  }
}

void CryptokiToken::settle_canary(Session& anchor, const std::vector<ObjectInfo>& objects) {
  const ObjectInfo* found = choose(objects, Role::canary, [](const ObjectInfo&) { return true; });
  if (found != nullptr) {
    canary_.adopt(found->handle, object_id(*found));
    return;
  }
  const ObjectId id = draw_id(anchor);
  try {
    canary_.adopt(make_own_object(anchor, id, templates::token_key(id, kCanaryLabel)), id);
  } catch (const Error& error) {
    if (describe(error.rv()).severity != Severity::caller) throw;
    connection_->log(std::string("no canary object, a session key instead: ") + error.what());
    canary_.adopt(anchor.generate_key(CKM_AES_KEY_GEN,
                                      templates::key(KeyKind::aes_256, templates::Held::session)),
                  std::nullopt);
  }
}

void CryptokiToken::settle_kek(Session& anchor, const std::vector<ObjectInfo>& objects) {
  // Whoever can write to the token can plant an object with our label: new material is wrapped only
  // under a key that the token itself vouches was made in it and never could leave it.
  const ObjectInfo* found =
      choose(objects, Role::key_encryption_key, [&anchor](const ObjectInfo& object) {
        return anchor.is_native(object.handle) && anchor.flag(object.handle, CKA_WRAP) &&
               anchor.flag(object.handle, CKA_UNWRAP) && !anchor.flag(object.handle, CKA_ENCRYPT) &&
               !anchor.flag(object.handle, CKA_DECRYPT);
      });
  ObjectId id{};
  if (found != nullptr) {
    id = *object_id(*found);
  } else {
    id = draw_id(anchor);
    const CK_OBJECT_HANDLE key = make_own_object(anchor, id, templates::key_encryption_key(id));
    keys_.put(id, {key, KeyKind::aes_256, Role::key_encryption_key});
    connection_->log("made key-encryption key " + to_hex(id));
  }
  const MutexLock lock(mutex_);
  kek_ = id;
}

}  // namespace pkcs11
