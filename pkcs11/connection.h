#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "pkcs11/gate.h"
#include "pkcs11/loaded_module.h"
#include "pkcs11/module.h"
#include "pkcs11/mutex.h"
#include "pkcs11/session.h"
#include "pkcs11/session_pool.h"
#include "pkcs11/timed_mutex.h"

namespace pkcs11 {

/// The waits between attempts to reach a token: 50 ms, doubling up to 800 ms.
class BackOff final {
 public:
  /// False if the next wait ends after the deadline; it is not waited for then, unless the machine
  /// makes it longer.
  [[nodiscard]] bool wait(Deadline deadline);

 private:
  std::chrono::milliseconds next_{50};
};

/// The login to one token: its anchor session, its other sessions, and its recovery. Operations run
/// through run(), which decides by the CK_RV table what a failure costs and whether the operation
/// is tried again.
class Connection final {
 public:
  /// Who keeps object handles, which live as long as a login.
  class Listener {
   public:
    /// Logged in through `anchor`; nothing else runs on the token. What it throws undoes the login.
    virtual void logged_in(Session& anchor, const PresentToken& token, Deadline deadline) = 0;
    virtual void logged_out() noexcept = 0;
    /// Throws unless the token does its work in this session.
    virtual void prove(Session& session) = 0;

   protected:
    ~Listener() = default;
  };

  Connection(std::shared_ptr<LoadedModule> module, TokenOptions options, Listener& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  /// Finds the token (looking for new ones if need be) and logs in.
  void open(Deadline deadline);
  /// Logs out and closes all sessions. No operation may be running. The listener may go afterwards,
  /// even if LoadedModule::start_again holds the connection yet: then, after close_within, what is
  /// left to do is done when that lets go of it.
  void close() noexcept;

  /// Runs `operation(Session&)`, again and after a recovery if need be, until it is done or
  /// hopeless.
  template <class Operation>
  auto run(Deadline deadline, Operation&& operation) {
    Retries retries;
    for (;;) {
      std::uint64_t seen = 0;
      try {
        check_time(deadline);
        const GatePass pass(gate_, deadline);
        seen = epoch_;
        require_login();
        SessionPool::Lease lease = pool_.acquire(deadline);
        try {
          return operation(lease.session());
        } catch (const Error& error) {
          note_failure(error, lease);
          throw;
        }
      } catch (const Error& error) {
        if (!try_again(error, retries, seen, deadline)) throw;
      }
    }
  }

  /// Inside run(): `operation(Session&)` on the anchor session, where session objects are made.
  template <class Operation>
  auto on_anchor(Deadline deadline, Operation&& operation) {
    const TimedLock lock(anchor_mutex_, deadline, "the anchor session");
    Session& anchor = usable_anchor();
    try {
      return operation(anchor);
    } catch (const Error& error) {
      if (anchor.busy() || describe(error.rv()).severity == Severity::session) anchor_lost_ = true;
      throw;
    }
  }

  /// Inside run(), when nothing was found: throws unless the user is logged in and the token in its
  /// slot.
  void check_presence(Session& session) KMS_NO_THREAD_SAFETY_ANALYSIS;
  /// Throws what is wrong with the token; recovers nothing.
  void check_health(Deadline deadline);

  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] LoadedModule& module() noexcept { return *module_; }
  [[nodiscard]] const TokenOptions& options() const noexcept { return options_; }
  void log(const std::string& text) const;

  // For LoadedModule::start_again and search_again.
  [[nodiscard]] Gate& gate() KMS_THREAD_ATTRIBUTE(lock_returned(gate_)) { return gate_; }
  void suspend() KMS_REQUIRES(gate_);
  /// Logs in again, unless that is done or nobody wants it; what fails is left to the next call.
  void resume(Deadline deadline) KMS_EXCLUDES(gate_);

 private:
  struct Retries {
    unsigned session = 0;
    unsigned handle = 0;
    std::uint64_t handle_epoch = 0;  // the login that `handle` is about
    unsigned suspicious = 0;
    unsigned token = 0;
    BackOff back_off;
  };

  static void check_time(Deadline deadline);
  void require_login() KMS_REQUIRES_SHARED(gate_);
  void note_failure(const Error& error, SessionPool::Lease& lease);
  [[nodiscard]] bool try_again(const Error& error, Retries& retries, std::uint64_t seen,
                               Deadline deadline);
  /// True if there was a login since `seen`. `suspect`: do not take the token's word for being
  /// well.
  bool recover(std::uint64_t seen, bool suspect, Deadline deadline);
  /// As the failure `why` asks for; false if that was not possible, or not its turn.
  [[nodiscard]] bool start_module_again(const Error& why, std::uint64_t generation, bool asked_for,
                                        Deadline deadline) KMS_EXCLUDES(gate_);
  [[nodiscard]] bool well(bool suspect) KMS_REQUIRES(gate_);
  /// Of a recovery: what went wrong, if it may come right. Throws what is hopeless.
  [[nodiscard]] std::optional<Error> attempt(Deadline deadline) KMS_REQUIRES(gate_);
  void connect(Deadline deadline) KMS_REQUIRES(gate_);
  void disconnect() noexcept KMS_REQUIRES(gate_);
  [[nodiscard]] bool is_closed();
  [[nodiscard]] PresentToken locate() KMS_REQUIRES(gate_);
  [[nodiscard]] bool gone_for_long() const KMS_REQUIRES(gate_);
  [[nodiscard]] Session& usable_anchor() KMS_REQUIRES(anchor_mutex_);

  const std::shared_ptr<LoadedModule> module_;
  const TokenOptions options_;
  Listener& listener_;

  TimedMutex recovery_;  // before the gate
  Gate gate_;
  SessionPool pool_;
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<bool> anchor_lost_{false};
  std::atomic<bool> connected_{false};              // changes behind the closed gate only
  Mutex listening_;                                 // held while the listener is told of logins
  bool closed_ KMS_GUARDED_BY(listening_) = false;  // it may be gone
  TimedMutex anchor_mutex_;
  std::unique_ptr<Session> anchor_ KMS_GUARDED_BY(anchor_mutex_);

  std::optional<std::string> serial_ KMS_GUARDED_BY(gate_);  // claimed
  PresentToken token_ KMS_GUARDED_BY(gate_);
  CK_STATE logged_in_state_ KMS_GUARDED_BY(gate_) = 0;
  Deadline last_login_ KMS_GUARDED_BY(gate_){};
  struct Missing {
    Deadline since;
    std::uint64_t generation;  // of the module, then
  };
  std::optional<Missing> missing_ KMS_GUARDED_BY(gate_);
};

}  // namespace pkcs11
