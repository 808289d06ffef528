#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "config/config.h"
#include "connector/base/clock.h"

namespace kms::jobs {

/// Time does not destroy keys by itself: what is due is confirmed only after the clock was seen
/// past its date for a stretch of the daemon's own uptime, and a forward jump of the clock stops
/// everything due until the daemon is restarted by an operator. Not thread-safe: the scheduler's
/// thread owns it.
class ClockGuard {
 public:
  using Uptime = std::function<std::chrono::steady_clock::time_point()>;
  ClockGuard(const config::Jobs& config, const Clock& clock,
             Uptime uptime = std::chrono::steady_clock::now);

  /// Call once a round, before confirmed().
  void tick();
  /// Whether what is called `name` may be done, which was due at `date`: from then on until done().
  [[nodiscard]] bool confirmed(const std::string& name, Timestamp date);
  void done(const std::string& name) { seen_due_.erase(name); }
  /// A jump was seen; nothing is confirmed any more.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  const config::Jobs& config_;
  const Clock& clock_;
  Uptime uptime_;
  Timestamp last_time_;
  std::chrono::steady_clock::time_point last_uptime_;
  bool stopped_ = false;
  std::map<std::string, std::chrono::steady_clock::time_point> seen_due_;
};

}  // namespace kms::jobs
