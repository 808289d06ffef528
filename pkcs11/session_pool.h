#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <vector>

#include "pkcs11/mutex.h"
#include "pkcs11/session.h"

namespace pkcs11 {

/// The sessions for operations: opened when first needed, at most `most`, used last in first out.
/// Where the token allows fewer (CKR_SESSION_COUNT) the pool makes do with them for a while.
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

 private:
  void give_back(std::unique_ptr<Session> session) noexcept;
  std::unique_ptr<Session> open_one(CK_SLOT_ID slot);
  void shrink();

  const CK_FUNCTION_LIST& functions_;
  const std::size_t most_;
  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Session>> idle_ KMS_GUARDED_BY(mutex_);
  CK_SLOT_ID slot_ KMS_GUARDED_BY(mutex_) = 0;
  std::size_t open_ KMS_GUARDED_BY(mutex_) = 0;  // idle, on loan, or being opened
  std::size_t limit_ KMS_GUARDED_BY(mutex_);
  std::size_t waiting_ KMS_GUARDED_BY(mutex_) = 0;
  Deadline grow_again_ KMS_GUARDED_BY(mutex_){};
};

}  // namespace pkcs11
