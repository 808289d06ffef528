#pragma once

#include <algorithm>
#include <chrono>

namespace kms {

/// When to try again what fails: after `first`, then after twice as long each time, up to ten
/// minutes (or `first`, if that is longer). Not thread-safe.
class Retry final {
 public:
  explicit Retry(std::chrono::milliseconds first) noexcept : first_(first) {}

  [[nodiscard]] bool due() const noexcept { return Clock::now() >= at_; }
  void failed() noexcept {
    pause_ = std::clamp(2 * pause_, first_, std::max(first_, kLongest));
    at_ = Clock::now() + pause_;
  }
  void succeeded() noexcept { *this = Retry(first_); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLongest{600'000};

  std::chrono::milliseconds first_;
  std::chrono::milliseconds pause_{};
  Clock::time_point at_;
};

}  // namespace kms
