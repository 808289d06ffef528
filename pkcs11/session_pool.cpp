#include "pkcs11/session_pool.h"

#include <algorithm>
#include <utility>

namespace pkcs11 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// How long a pool that met CKR_SESSION_COUNT stays small.
constexpr seconds kShrunkFor{10};
/// How often a pool without any session of its own to wait for asks the token again.
constexpr milliseconds kAskAgain{20};

}  // namespace

SessionPool::Lease::~Lease() {
  if (session_ != nullptr) pool_->give_back(std::move(session_));
}

SessionPool::SessionPool(const CK_FUNCTION_LIST& functions, std::size_t most)
    : functions_(functions), most_(std::max<std::size_t>(most, 1)), limit_(most_) {
  idle_.reserve(most_);
}

SessionPool::Lease SessionPool::acquire(Deadline deadline) {
  for (;;) {
    CK_SLOT_ID slot = 0;
    {
      MutexLock lock(mutex_);
      if (auto session = take(lock, deadline)) return Lease(*this, std::move(session));
      slot = slot_;
    }
    if (auto session = open_one(slot)) return Lease(*this, std::move(session));
  }
}

/// A session, or null for the right to open one, which is counted as open already.
std::unique_ptr<Session> SessionPool::take(MutexLock& lock, Deadline deadline) {
  if (!idle_.empty()) {  // nobody waits then
    std::unique_ptr<Session> session = std::move(idle_.back());
    idle_.pop_back();
    return session;
  }
  Waiter self;
  waiters_.push_back(&self);
  // Time has passed since the first looked.
  if (may_open()) call_first();
  for (;;) {
    if (waiters_.front() == &self && may_open()) {
      ++open_;
      leave(self);
      return nullptr;
    }
    // With nothing of ours open nobody will call us: other programs hold the token's sessions.
    const bool alone = open_ == 0;
    lock.wait_until(self.called, alone ? std::min(deadline, Clock::now() + kAskAgain) : deadline);
    if (self.session != nullptr) return std::move(self.session);
    if (Clock::now() >= deadline) {
      leave(self);
      throw Error(Failure::sessions_exhausted, "no session came free in time");
    }
    if (alone && open_ == 0) limit_ = 1;
  }
}

bool SessionPool::may_open() {
  if (limit_ < most_ && Clock::now() >= grow_again_) limit_ = most_;
  return open_ < limit_;
}

/// For the first of the queue to look again.
void SessionPool::call_first() noexcept {
  if (!waiters_.empty()) waiters_.front()->called.notify_one();
}

void SessionPool::leave(const Waiter& waiter) noexcept {
  waiters_.erase(std::ranges::find(waiters_, &waiter));
  call_first();
}

std::unique_ptr<Session> SessionPool::open_one(CK_SLOT_ID slot) {
  try {
    return std::make_unique<Session>(functions_, slot);
  } catch (const Error& error) {
    if (error.rv() != CKR_SESSION_COUNT) {
      give_back(nullptr);
      throw;
    }
  }
  shrink();
  return nullptr;
}

void SessionPool::shrink() {
  const MutexLock lock(mutex_);
  --open_;
  limit_ = std::min(limit_, open_);
  grow_again_ = Clock::now() + kShrunkFor;
  // Who waits may have nothing of ours to wait for any more.
  call_first();
}

void SessionPool::give_back(std::unique_ptr<Session> session) noexcept {
  if (session != nullptr && session->busy()) session.reset();
  {
    const MutexLock lock(mutex_);
    if (session == nullptr || open_ > limit_) {
      --open_;
      call_first();
    } else if (waiters_.empty()) {
      idle_.push_back(std::move(session));
    } else {
      Waiter& first = *waiters_.front();
      waiters_.pop_front();
      first.session = std::move(session);
      first.called.notify_one();  // under the lock: it is gone as soon as it sees its session
    }
  }
  // One that went over the limit is closed here, outside the lock.
  session.reset();
}

void SessionPool::use_slot(CK_SLOT_ID slot) {
  close_idle();
  const MutexLock lock(mutex_);
  slot_ = slot;
  limit_ = most_;
  call_first();
}

void SessionPool::close_idle() {
  std::vector<std::unique_ptr<Session>> closing;
  closing.reserve(most_);
  {
    const MutexLock lock(mutex_);
    closing.swap(idle_);
    open_ -= closing.size();
  }
  closing.clear();
}

std::size_t SessionPool::open() const {
  const MutexLock lock(mutex_);
  return open_;
}

std::size_t SessionPool::limit() const {
  const MutexLock lock(mutex_);
  return limit_;
}

std::size_t SessionPool::waiting() const {
  const MutexLock lock(mutex_);
  return waiters_.size();
}

}  // namespace pkcs11
