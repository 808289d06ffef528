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
      for (;;) {
        if (!idle_.empty()) {
          std::unique_ptr<Session> session = std::move(idle_.back());
          idle_.pop_back();
          return Lease(*this, std::move(session));
        }
        if (limit_ < most_ && Clock::now() >= grow_again_) limit_ = most_;
        if (open_ < limit_) break;
        // With nothing of ours open nobody will wake us: other programs hold the token's sessions.
        const bool alone = open_ == 0;
        const Deadline until = alone ? std::min(deadline, Clock::now() + kAskAgain) : deadline;
        ++waiting_;
        lock.wait_until(changed_, until);
        --waiting_;
        if (Clock::now() >= deadline && idle_.empty() && open_ >= limit_) {
          throw Error(Failure::sessions_exhausted, "no session came free in time");
        }
        if (alone && open_ == 0) limit_ = 1;
      }
      ++open_;
      slot = slot_;
    }
    if (std::unique_ptr<Session> session = open_one(slot)) return Lease(*this, std::move(session));
  }
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
  {
    const MutexLock lock(mutex_);
    --open_;
    limit_ = std::min(limit_, open_);
    grow_again_ = Clock::now() + kShrunkFor;
  }
  // Those who wait may have nothing of ours to wait for any more.
  changed_.notify_all();
}

void SessionPool::give_back(std::unique_ptr<Session> session) noexcept {
  if (session != nullptr && session->busy()) session.reset();
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    if (session != nullptr && open_ <= limit_) {
      idle_.push_back(std::move(session));
    } else {
      --open_;
    }
    wake = waiting_ != 0;
  }
  // One that went over the limit is closed here, outside the lock.
  session.reset();
  if (wake) changed_.notify_one();
}

void SessionPool::use_slot(CK_SLOT_ID slot) {
  close_idle();
  const MutexLock lock(mutex_);
  slot_ = slot;
  limit_ = most_;
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
  changed_.notify_all();
}

std::size_t SessionPool::open() const {
  const MutexLock lock(mutex_);
  return open_;
}

std::size_t SessionPool::limit() const {
  const MutexLock lock(mutex_);
  return limit_;
}

}  // namespace pkcs11
