#include "connector/jobs/clock_guard.h"

#include <utility>

#include "connector/base/log.h"

namespace kms::jobs {

ClockGuard::ClockGuard(const config::Jobs& config, const Clock& clock, Uptime uptime)
    : config_(config),
      clock_(clock),
      uptime_(std::move(uptime)),
      last_time_(clock.now()),
      last_uptime_(uptime_()) {}

void ClockGuard::tick() {
  const Timestamp time = clock_.now();
  const auto uptime = uptime_();
  const auto jump = (time - last_time_) -
                    std::chrono::duration_cast<std::chrono::milliseconds>(uptime - last_uptime_);
  if (!stopped_ && config_.max_clock_jump.count() != 0 && jump > config_.max_clock_jump) {
    stopped_ = true;
    log(LogLevel::error, "jobs",
        "the clock jumped forward by " +
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(jump).count()) +
            " s: due deletions and expiries are stopped; restart the daemon to confirm the time");
  }
  last_time_ = time;
  last_uptime_ = uptime;
}

bool ClockGuard::confirmed(const std::string& name, Timestamp date) {
  if (clock_.now() < date) {
    seen_due_.erase(name);
    return false;
  }
  const auto uptime = uptime_();
  const auto first = seen_due_.try_emplace(name, uptime).first->second;
  return !stopped_ && uptime - first >= config_.due_confirmation;
}

}  // namespace kms::jobs
