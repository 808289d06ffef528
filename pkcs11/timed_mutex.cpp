#include "pkcs11/timed_mutex.h"

#include <string>

namespace pkcs11 {

void TimedMutex::lock_until(Deadline deadline, const char* what) KMS_NO_THREAD_SAFETY_ANALYSIS {
  MutexLock lock(mutex_);
  while (held_) {
    if (lock.wait_until(free_, deadline) == std::cv_status::timeout && held_) {
      throw Error(Failure::deadline_exceeded, std::string("no turn in time for ") + what);
    }
  }
  held_ = true;
}

void TimedMutex::unlock() KMS_NO_THREAD_SAFETY_ANALYSIS {
  {
    const MutexLock lock(mutex_);
    held_ = false;
  }
  free_.notify_one();
}

}  // namespace pkcs11
