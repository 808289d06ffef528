#include "pkcs11/gate.h"

namespace pkcs11 {
namespace {

[[noreturn]] void too_late(const char* text) { throw Error(Failure::deadline_exceeded, text); }

}  // namespace

void Gate::pass_until(Deadline deadline) KMS_NO_THREAD_SAFETY_ANALYSIS {
  while ((state_.fetch_add(1, std::memory_order_acq_rel) & kClosing) != 0) {
    leave();
    MutexLock lock(mutex_);
    while ((state_.load(std::memory_order_acquire) & kClosing) != 0) {
      if (lock.wait_until(opened_, deadline) == std::cv_status::timeout &&
          (state_.load(std::memory_order_acquire) & kClosing) != 0) {
        too_late("the token was not recovered in time");
      }
    }
  }
}

void Gate::leave() KMS_NO_THREAD_SAFETY_ANALYSIS {
  if (state_.fetch_sub(1, std::memory_order_acq_rel) != (kClosing | 1)) return;
  // The last one out while a writer waits. Taking the mutex orders this after the writer's own
  // look.
  { const MutexLock lock(mutex_); }
  emptied_.notify_all();
}

void Gate::come() {
  ++writers_;
  state_.fetch_or(kClosing, std::memory_order_acq_rel);
}

void Gate::go() {
  if (--writers_ != 0) return;
  state_.fetch_and(~kClosing, std::memory_order_acq_rel);
  opened_.notify_all();
}

void Gate::bar() noexcept {
  const MutexLock lock(mutex_);
  come();
}

void Gate::unbar() noexcept {
  const MutexLock lock(mutex_);
  go();
}

void Gate::close_until(Deadline deadline) KMS_NO_THREAD_SAFETY_ANALYSIS {
  MutexLock lock(mutex_);
  come();
  while (held_ || state_.load(std::memory_order_acquire) != kClosing) {
    if (lock.wait_until(emptied_, deadline) == std::cv_status::timeout &&
        (held_ || state_.load(std::memory_order_acquire) != kClosing)) {
      go();
      too_late("calls to the token did not end in time");
    }
  }
  held_ = true;
}

void Gate::open() KMS_NO_THREAD_SAFETY_ANALYSIS {
  const MutexLock lock(mutex_);
  held_ = false;
  emptied_.notify_all();
  go();
}

}  // namespace pkcs11
