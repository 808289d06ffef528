#include "connector/jobs/clock_guard.h"

#include <gtest/gtest.h>

namespace kms::jobs {
namespace {

using namespace std::chrono_literals;

/// A clock and an uptime that move only when told.
class ClockGuardTest : public ::testing::Test {
 protected:
  struct TestClock final : Clock {
    [[nodiscard]] Timestamp now() const override { return time; }
    Timestamp time = Timestamp{1'800'000'000s};
  };

  void pass(std::chrono::seconds span) {
    clock_.time += span;
    uptime_ += span;
  }

  TestClock clock_;
  std::chrono::steady_clock::time_point uptime_{};
  config::Jobs config_{.due_confirmation = 3600s, .max_clock_jump = 86400s};
  ClockGuard guard_{config_, clock_, [this] { return uptime_; }};
};

TEST_F(ClockGuardTest, ConfirmsOnlyAfterAnHourOfUptimePastTheDate) {
  const Timestamp date = clock_.time + 60s;
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(60s);
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(3599s);
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(1s);
  EXPECT_TRUE(guard_.confirmed("k", date));
}

TEST_F(ClockGuardTest, WhatIsConfirmedStaysSoUntilItIsDone) {
  const Timestamp date = clock_.time;
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(3600s);
  EXPECT_TRUE(guard_.confirmed("k", date));
  EXPECT_TRUE(guard_.confirmed("k", date));
  guard_.done("k");
  EXPECT_FALSE(guard_.confirmed("k", date));
}

TEST_F(ClockGuardTest, BeginsAnewWhenTheClockWasSetBack) {
  const Timestamp date = clock_.time;
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(3000s);
  clock_.time -= 7200s;
  EXPECT_FALSE(guard_.confirmed("k", date));
  clock_.time += 7200s;
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(3599s);
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(1s);
  EXPECT_TRUE(guard_.confirmed("k", date));
}

TEST_F(ClockGuardTest, AJumpOfTheClockAloneConfirmsNothing) {
  const Timestamp date = clock_.time + 3600s;
  clock_.time += 80000s;
  guard_.tick();
  EXPECT_FALSE(guard_.stopped());
  EXPECT_FALSE(guard_.confirmed("k", date));
}

TEST_F(ClockGuardTest, AJumpOfMoreThanADayStopsWhatIsDueForGood) {
  const Timestamp date = clock_.time;
  clock_.time += 86401s;
  guard_.tick();
  EXPECT_TRUE(guard_.stopped());
  EXPECT_FALSE(guard_.confirmed("k", date));
  pass(7200s);
  guard_.tick();
  EXPECT_FALSE(guard_.confirmed("k", date));
}

TEST_F(ClockGuardTest, TimeThatReallyPassedIsNoJump) {
  pass(200000s);
  guard_.tick();
  EXPECT_FALSE(guard_.stopped());
}

}  // namespace
}  // namespace kms::jobs
