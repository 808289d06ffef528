#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkcs11/mutex.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/fakes/pkcs11_proxy/cryptoki.h"

namespace pkcs11_proxy {

/// The real module's functions, loaded at the first call (KMS_PROXY_TARGET). Aborts if it cannot
/// be.
const CK_FUNCTION_LIST& target();

/// Says on standard error what the caller did that makes real modules crash, and aborts.
[[noreturn]] void misuse(std::string_view what);

/// Calls into the real module pass shared; taking sessions away under them is exclusive, and comes
/// first.
class Gate final {
 public:
  Gate();
  ~Gate() { ::pthread_rwlock_destroy(&lock_); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Gate(Gate&&) = delete;
  Gate& operator=(Gate&&) = delete;

  class Pass final {
   public:
    enum class Kind : std::uint8_t { shared, exclusive };
    Pass(Gate& gate, Kind kind);
    ~Pass() { ::pthread_rwlock_unlock(&gate_.lock_); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    Pass(Pass&&) = delete;
    Pass& operator=(Pass&&) = delete;

   private:
    Gate& gate_;
  };

 private:
  pthread_rwlock_t lock_{};
};

/// A session that went through the proxy, alive or not.
struct Session {
  enum class State : std::uint8_t { alive, removed, forgotten };
  CK_SESSION_HANDLE handle = 0;
  CK_SLOT_ID slot = 0;
  State state = State::alive;           // written under the exclusive gate only
  std::atomic<bool> busy{false};        // a call is using it
  std::vector<unsigned char> gcm_iv{};  // to be appended to the ciphertext; the calling thread's
};

/// What the proxy knows of sessions, absent tokens and wrong PINs.
class Tokens final {
 public:
  using Clock = std::chrono::steady_clock;
  using SessionPtr = std::shared_ptr<Session>;

  Gate& gate() { return gate_; }

  /// nullptr for a handle that the proxy did not give out.
  SessionPtr find(CK_SESSION_HANDLE handle) const;
  /// What the session's state or its token's absence answers to a call; CKR_OK to let it pass.
  CK_RV check(const Session& session);
  [[nodiscard]] bool absent(CK_SLOT_ID slot);

  CK_RV open(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
             CK_SESSION_HANDLE* handle);
  CK_RV close(const SessionPtr& session, CK_SESSION_HANDLE handle);
  CK_RV close_all(CK_SLOT_ID slot);
  CK_RV login(const SessionPtr& session, CK_SESSION_HANDLE handle, CK_USER_TYPE user,
              unsigned char* pin, unsigned long pin_len);
  CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info);
  /// Slots and labels may have changed.
  void forget_labels();
  /// After C_Finalize no session is left.
  void finalized();

  void remove(std::string_view label, Clock::time_point until);
  void restore();
  void forget_sessions();
  void logout();
  void max_sessions(unsigned long limit);
  [[nodiscard]] unsigned long open_sessions() const;
  void pin_lock(unsigned long wrong_pins);
  void reset();

 private:
  bool absent_locked(CK_SLOT_ID slot) KMS_REQUIRES(mutex_);
  const std::string& label_of(CK_SLOT_ID slot) KMS_REQUIRES(mutex_);
  bool pin_locked(CK_SLOT_ID slot) KMS_REQUIRES(mutex_);
  /// Ends the sessions of the absent tokens, or all of them.
  void end_sessions(Session::State state) KMS_REQUIRES(mutex_);

  Gate gate_;
  std::atomic<bool> any_absent_{false};
  mutable pkcs11::Mutex mutex_;
  std::unordered_map<CK_SESSION_HANDLE, SessionPtr> sessions_ KMS_GUARDED_BY(mutex_);
  std::map<std::string, Clock::time_point, std::less<>> absences_ KMS_GUARDED_BY(mutex_);
  std::map<CK_SLOT_ID, std::string> labels_ KMS_GUARDED_BY(mutex_);
  std::map<CK_SLOT_ID, unsigned long> wrong_pins_ KMS_GUARDED_BY(mutex_);
  unsigned long max_sessions_ KMS_GUARDED_BY(mutex_) = kForever;
  unsigned long pin_limit_ KMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace pkcs11_proxy
