#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "connector/base/bytes.h"

namespace kms::jobs {

struct Job {
  std::string name;
  std::function<void()> run;
};

/// Runs its jobs one after the other, each interval, on one thread. A job that throws is logged and
/// runs again in the next round.
class Scheduler {
 public:
  Scheduler(std::vector<Job> jobs, std::chrono::milliseconds interval);
  /// Ends after the job under way.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

 private:
  void loop();

  std::vector<Job> jobs_;
  std::chrono::milliseconds interval_;
  Mutex mutex_;
  std::condition_variable wake_;
  bool stop_ KMS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kms::jobs
