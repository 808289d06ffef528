#include "connector/main/last_resort.h"

#include <unistd.h>

#include "connector/base/log.h"

namespace kms {

LastResort::~LastResort() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LastResort::arm(std::chrono::milliseconds patience) {
  thread_ =
      std::thread([this, until = std::chrono::steady_clock::now() + patience] { wait(until); });
}

void LastResort::wait(std::chrono::steady_clock::time_point until) {
  MutexLock lock(mutex_);
  while (!over_) {
    if (lock.wait_until(changed_, until) == std::cv_status::timeout) break;
  }
  if (over_) return;
  log(LogLevel::error, "main",
      "a call into a PKCS#11 module has not returned: the process ends without it");
  ::_exit(kStatus);
}

}  // namespace kms
