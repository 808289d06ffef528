#include "connector/jobs/scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

namespace kms::jobs {
namespace {

TEST(Scheduler, RunsItsJobsAgainAlsoAfterOneThrew) {
  std::promise<void> third;
  std::atomic<int> runs{0};
  Scheduler scheduler({{"throws", [](const StopFlag&) { throw std::runtime_error("on purpose"); }},
                       {"counts",
                        [&](const StopFlag&) {
                          if (++runs == 3) third.set_value();
                        }}},
                      std::chrono::milliseconds(1));
  EXPECT_EQ(third.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Scheduler, EndsAtOnceBetweenTheRounds) {
  std::promise<void> ran;
  std::atomic<bool> first{true};
  const auto started = std::chrono::steady_clock::now();
  {
    Scheduler scheduler({{"once",
                          [&](const StopFlag&) {
                            if (first.exchange(false)) ran.set_value();
                          }}},
                        std::chrono::hours(1));
    ran.get_future().wait();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::minutes(1));
}

TEST(Scheduler, TellsTheJobUnderWayToStop) {
  std::promise<void> running;
  bool next = false;
  {
    Scheduler scheduler({{"many keys",
                          [&](const StopFlag& stop) {
                            running.set_value();
                            while (!stop) std::this_thread::yield();
                          }},
                         {"next", [&](const StopFlag&) { next = true; }}},
                        std::chrono::hours(1));
    running.get_future().wait();
  }
  EXPECT_FALSE(next);
}

}  // namespace
}  // namespace kms::jobs
