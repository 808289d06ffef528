#include "tests/fakes/pkcs11_proxy/tokens.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/fakes/pkcs11_proxy/control.h"

namespace pkcs11_proxy {
namespace {

const CK_FUNCTION_LIST& load_target() {
  const char* path = std::getenv("KMS_PROXY_TARGET");
  if (path == nullptr) path = "/usr/lib/softhsm/libsofthsm2.so";
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* symbol = library == nullptr ? nullptr : ::dlsym(library, "C_GetFunctionList");
  CK_FUNCTION_LIST* list = nullptr;
  if (symbol == nullptr || reinterpret_cast<CK_C_GetFunctionList>(symbol)(&list) != CKR_OK) {
    misuse(std::string("KMS_PROXY_TARGET is no PKCS#11 module: ") + path);
  }
  return *list;
}

/// Without its padding.
std::string text_of(const unsigned char* padded, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(padded), size);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

const CK_FUNCTION_LIST& target() {
  static const CK_FUNCTION_LIST& list = load_target();
  return list;
}

void misuse(std::string_view what) {
  std::fprintf(stderr, "kms-pkcs11-proxy: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

Gate::Gate() {
  pthread_rwlockattr_t attributes;
  ::pthread_rwlockattr_init(&attributes);
  // The default prefers readers: under load a fault would never come into force.
  ::pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  ::pthread_rwlock_init(&lock_, &attributes);
  ::pthread_rwlockattr_destroy(&attributes);
}

Gate::Pass::Pass(Gate& gate, Kind kind) : gate_(gate) {
  if (kind == Kind::shared) {
    ::pthread_rwlock_rdlock(&gate_.lock_);
  } else {
    ::pthread_rwlock_wrlock(&gate_.lock_);
  }
}

Tokens::SessionPtr Tokens::find(CK_SESSION_HANDLE handle) const {
  const pkcs11::MutexLock lock(mutex_);
  const auto found = sessions_.find(handle);
  return found == sessions_.end() ? nullptr : found->second;
}

CK_RV Tokens::check(const Session& session) {
  switch (session.state) {
    case Session::State::alive:
      return CKR_OK;
    case Session::State::removed:
      return absent(session.slot) ? CKR_DEVICE_REMOVED : CKR_SESSION_HANDLE_INVALID;
    case Session::State::forgotten:
      return CKR_SESSION_HANDLE_INVALID;
  }
  return CKR_GENERAL_ERROR;
}

bool Tokens::absent(CK_SLOT_ID slot) {
  if (!any_absent_) return false;
  const pkcs11::MutexLock lock(mutex_);
  return absent_locked(slot);
}

bool Tokens::absent_locked(CK_SLOT_ID slot) {
  std::erase_if(absences_, [now = Clock::now()](const auto& one) { return one.second <= now; });
  any_absent_ = !absences_.empty();
  if (absences_.empty()) return false;
  return absences_.contains("") || absences_.contains(label_of(slot));
}

const std::string& Tokens::label_of(CK_SLOT_ID slot) {
  const auto known = labels_.find(slot);
  if (known != labels_.end()) return known->second;
  CK_TOKEN_INFO info{};
  static const std::string kNone = "(unknown)";
  if (target().C_GetTokenInfo(slot, &info) != CKR_OK) return kNone;
  return labels_[slot] = text_of(info.label, sizeof info.label);
}

CK_RV Tokens::open(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* handle) {
  const pkcs11::MutexLock lock(mutex_);
  const auto open_here = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& one) {
    return one.second->slot == slot && one.second->state == Session::State::alive;
  });
  if (static_cast<unsigned long>(open_here) >= max_sessions_) return CKR_SESSION_COUNT;
  const CK_RV rv = target().C_OpenSession(slot, flags, application, notify, handle);
  if (rv == CKR_OK) {
    auto session = std::make_shared<Session>();
    session->handle = *handle;
    session->slot = slot;
    sessions_[*handle] = std::move(session);
  }
  return rv;
}

CK_RV Tokens::close(const SessionPtr& session, CK_SESSION_HANDLE handle) {
  const CK_RV rv = target().C_CloseSession(handle);
  if (rv == CKR_OK && session != nullptr) {
    const pkcs11::MutexLock lock(mutex_);
    sessions_.erase(handle);
  }
  return rv;
}

CK_RV Tokens::close_all(CK_SLOT_ID slot) {
  const pkcs11::MutexLock lock(mutex_);
  for (const auto& [handle, session] : sessions_) {
    if (session->slot == slot && session->busy) misuse("C_CloseAllSessions closes one in use");
  }
  const CK_RV rv = target().C_CloseAllSessions(slot);
  if (rv == CKR_OK)
    std::erase_if(sessions_, [&](const auto& one) { return one.second->slot == slot; });
  return rv;
}

bool Tokens::pin_locked(CK_SLOT_ID slot) {
  return pin_limit_ != 0 && wrong_pins_[slot] >= pin_limit_;
}

CK_RV Tokens::login(const SessionPtr& session, CK_SESSION_HANDLE handle, CK_USER_TYPE user,
                    unsigned char* pin, unsigned long pin_len) {
  if (session == nullptr || user != CKU_USER) {
    return target().C_Login(handle, user, pin, pin_len);
  }
  // Under the lock, so that no two wrong PINs are counted as one.
  const pkcs11::MutexLock lock(mutex_);
  if (pin_locked(session->slot)) return CKR_PIN_LOCKED;
  const CK_RV rv = target().C_Login(handle, user, pin, pin_len);
  if (rv == CKR_PIN_INCORRECT) ++wrong_pins_[session->slot];
  if (rv == CKR_OK) wrong_pins_[session->slot] = 0;
  return rv;
}

CK_RV Tokens::token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  const CK_RV rv = target().C_GetTokenInfo(slot, info);
  if (rv != CKR_OK) return rv;
  const pkcs11::MutexLock lock(mutex_);
  if (max_sessions_ != kForever) {
    info->ulMaxSessionCount = max_sessions_;
    info->ulMaxRwSessionCount = max_sessions_;
  }
  if (pin_limit_ != 0) {
    const unsigned long wrong = wrong_pins_[slot];
    if (wrong > 0) info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (wrong + 1 == pin_limit_) info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (wrong >= pin_limit_) info->flags |= CKF_USER_PIN_LOCKED;
  }
  return rv;
}

void Tokens::forget_labels() {
  const pkcs11::MutexLock lock(mutex_);
  labels_.clear();
}

void Tokens::finalized() {
  const pkcs11::MutexLock lock(mutex_);
  sessions_.clear();
  labels_.clear();
}

void Tokens::end_sessions(Session::State state) {
  for (auto& [handle, session] : sessions_) {
    if (session->state != Session::State::alive) continue;
    if (state == Session::State::removed && !absent_locked(session->slot)) continue;
    target().C_CloseSession(handle);
    session->state = state;
  }
}

void Tokens::remove(std::string_view label, Clock::time_point until) {
  const Gate::Pass alone(gate_, Gate::Pass::Kind::exclusive);
  const pkcs11::MutexLock lock(mutex_);
  absences_.insert_or_assign(std::string(label), until);
  any_absent_ = true;
  end_sessions(Session::State::removed);
}

void Tokens::restore() {
  const pkcs11::MutexLock lock(mutex_);
  absences_.clear();
  any_absent_ = false;
}

void Tokens::forget_sessions() {
  const Gate::Pass alone(gate_, Gate::Pass::Kind::exclusive);
  const pkcs11::MutexLock lock(mutex_);
  end_sessions(Session::State::forgotten);
}

void Tokens::logout() {
  const Gate::Pass alone(gate_, Gate::Pass::Kind::exclusive);
  const pkcs11::MutexLock lock(mutex_);
  std::set<CK_SLOT_ID> done;
  for (const auto& [handle, session] : sessions_) {
    if (session->state == Session::State::alive && done.insert(session->slot).second) {
      target().C_Logout(handle);
    }
  }
}

void Tokens::max_sessions(unsigned long limit) {
  const pkcs11::MutexLock lock(mutex_);
  max_sessions_ = limit;
}

unsigned long Tokens::open_sessions() const {
  const pkcs11::MutexLock lock(mutex_);
  return static_cast<unsigned long>(
      std::count_if(sessions_.begin(), sessions_.end(),
                    [](const auto& one) { return one.second->state == Session::State::alive; }));
}

void Tokens::pin_lock(unsigned long wrong_pins) {
  const pkcs11::MutexLock lock(mutex_);
  pin_limit_ = wrong_pins;
  wrong_pins_.clear();
}

void Tokens::reset() {
  restore();
  max_sessions(kForever);
  pin_lock(0);
}

}  // namespace pkcs11_proxy
