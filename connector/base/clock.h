#pragma once

#include <chrono>
#include <string>

namespace kms {

/// A moment as the API tells it: milliseconds since the epoch, UTC.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// The time of day; a constructor argument everywhere, so that tests can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;
};

/// The system's clock, moved by a constant offset (design: `--clock-offset` moves all time but
/// SigV4's).
class SystemClock final : public Clock {
 public:
  explicit SystemClock(std::chrono::seconds offset = std::chrono::seconds{0}) : offset_(offset) {}
  [[nodiscard]] Timestamp now() const override;

 private:
  std::chrono::seconds offset_;
};

/// "20150830T123600Z" (ISO 8601 basic format), and "2015-08-30T12:36:00Z".
std::string iso8601_basic(Timestamp time);
std::string iso8601_extended(Timestamp time);
/// "Sun, 30 Aug 2015 12:36:00 GMT" (RFC 9110 section 5.6.7: IMF-fixdate).
std::string http_date(Timestamp time);

}  // namespace kms
