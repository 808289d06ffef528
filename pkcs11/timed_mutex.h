#pragma once

#include <chrono>
#include <condition_variable>

#include "pkcs11/mutex.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// A mutex that nobody waits for beyond a deadline: what it protects are calls into the module, and
/// such a call may hang. (std::timed_mutex would do, but ThreadSanitizer 12 does not know its
/// clock.)
class KMS_CAPABILITY("mutex") TimedMutex final {
 public:
  /// Throws Error{deadline_exceeded}, naming `what` is waited for.
  void lock_until(Deadline deadline, const char* what) KMS_ACQUIRE();
  void unlock() KMS_RELEASE();

 private:
  Mutex mutex_;
  std::condition_variable free_;
  bool held_ KMS_GUARDED_BY(mutex_) = false;
};

/// Holds a TimedMutex for a scope.
class KMS_SCOPED_CAPABILITY TimedLock final {
 public:
  TimedLock(TimedMutex& mutex, Deadline deadline, const char* what) KMS_ACQUIRE(mutex)
      : mutex_(mutex) {
    mutex_.lock_until(deadline, what);
  }
  ~TimedLock() KMS_RELEASE() { mutex_.unlock(); }
  TimedLock(const TimedLock&) = delete;
  TimedLock& operator=(const TimedLock&) = delete;
  TimedLock(TimedLock&&) = delete;
  TimedLock& operator=(TimedLock&&) = delete;

 private:
  TimedMutex& mutex_;
};

}  // namespace pkcs11
