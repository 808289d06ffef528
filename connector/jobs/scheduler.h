#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "connector/base/bytes.h"

namespace kms::jobs {

/// Set when the daemon stops: a job then goes on to no other key.
using StopFlag = std::atomic<bool>;

struct Job {
  std::string name;
  std::function<void(const StopFlag&)> run;
};

/// Runs its jobs one after the other, each interval, on one thread. A job that throws is logged and
/// runs again in the next round.
class Scheduler {
 public:
  Scheduler(std::vector<Job> jobs, std::chrono::milliseconds interval);
  /// Ends when the job under way has seen it.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

 private:
  void loop();

  std::vector<Job> jobs_;
  std::chrono::milliseconds interval_;
  Mutex mutex_;
  std::condition_variable wake_;
  StopFlag stop_{false};  // set under the mutex
  std::thread thread_;
};

}  // namespace kms::jobs
