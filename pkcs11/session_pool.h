#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "pkcs11/mutex.h"
#include "pkcs11/session.h"

namespace pkcs11 {

/// The sessions for operations: opened when first needed, at most `most`, used last in first out.
/// Who has to wait for one is served in the order of coming. Where the token allows fewer
/// (CKR_SESSION_COUNT) the pool makes do with them for a while.
class SessionPool final {
 public:
  /// A session on loan. It goes back when this goes, unless it is poisoned or busy: then it is
  /// closed.
  class Lease final {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    [[nodiscard]] Session& session() noexcept { return *session_; }
    void poison() noexcept { session_->give_up(); }

   private:
    friend class SessionPool;
    Lease(SessionPool& pool, std::unique_ptr<Session> session) noexcept
        : pool_(&pool), session_(std::move(session)) {}
    SessionPool* pool_;
    std::unique_ptr<Session> session_;
  };

  SessionPool(const CK_FUNCTION_LIST& functions, std::size_t most);

  /// Waits for a session until the deadline, then throws Error{sessions_exhausted}.
  [[nodiscard]] Lease acquire(Deadline deadline);
  /// Sessions come from this slot from now on, and as many as allowed. None may be on loan.
  void use_slot(CK_SLOT_ID slot);
  /// Closes the sessions that are not on loan.
  void close_idle();

  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t limit() const;
  /// Callers of acquire() that wait.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Waiter {
    std::condition_variable called;
    std::unique_ptr<Session> session;  // what it was given; it has left the queue then
  };

  std::unique_ptr<Session> take(MutexLock& lock, Deadline deadline) KMS_REQUIRES(mutex_);
  bool may_open() KMS_REQUIRES(mutex_);
  void call_first() noexcept KMS_REQUIRES(mutex_);
  void leave(const Waiter& waiter) noexcept KMS_REQUIRES(mutex_);
  void give_back(std::unique_ptr<Session> session) noexcept;
  std::unique_ptr<Session> open_one(CK_SLOT_ID slot);
  void shrink();

  const CK_FUNCTION_LIST& functions_;
  const std::size_t most_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_ KMS_GUARDED_BY(mutex_);  // none while anyone waits
  CK_SLOT_ID slot_ KMS_GUARDED_BY(mutex_) = 0;
  std::size_t open_ KMS_GUARDED_BY(mutex_) = 0;  // idle, on loan, or being opened
  std::size_t limit_ KMS_GUARDED_BY(mutex_);
  std::deque<Waiter*> waiters_ KMS_GUARDED_BY(mutex_);
  Deadline grow_again_ KMS_GUARDED_BY(mutex_){};
};

}  // namespace pkcs11
