#include "connector/base/turns.h"

namespace kms {

std::optional<Turns::Turn> Turns::wait(const std::string& name,
                                       std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (taken_.contains(name)) {
    if (lock.wait_until(changed_, deadline) == std::cv_status::timeout && taken_.contains(name)) {
      return std::nullopt;
    }
  }
  taken_.insert(name);
  return Turn(*this, name);
}

void Turns::end(const std::string& name) {
  {
    const MutexLock lock(mutex_);
    taken_.erase(name);
  }
  changed_.notify_all();
}

}  // namespace kms
