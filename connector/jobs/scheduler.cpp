#include "connector/jobs/scheduler.h"

#include <exception>
#include <utility>

#include "connector/base/log.h"

namespace kms::jobs {

Scheduler::Scheduler(std::vector<Job> jobs, std::chrono::milliseconds interval)
    : jobs_(std::move(jobs)), interval_(interval), thread_([this] { loop(); }) {}

Scheduler::~Scheduler() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Scheduler::loop() {
  while (true) {
    for (const Job& job : jobs_) {
      if (stop_) return;
      try {
        job.run(stop_);
      } catch (const std::exception& error) {
        log(LogLevel::error, "jobs", job.name + ": " + error.what());
      }
    }
    const auto next = std::chrono::steady_clock::now() + interval_;
    MutexLock lock(mutex_);
    while (!stop_ && std::chrono::steady_clock::now() < next) lock.wait_until(wake_, next);
    if (stop_) return;
  }
}

}  // namespace kms::jobs
