#include "connector/base/turns.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace kms {
namespace {

using Clock = std::chrono::steady_clock;

TEST(Turns, AreOneAtATimeForEachName) {
  Turns turns;
  auto turn = turns.wait("a", Clock::now());
  ASSERT_TRUE(turn);
  EXPECT_FALSE(turns.wait("a", Clock::now()));
  EXPECT_TRUE(turns.wait("b", Clock::now()));
  turn.reset();
  EXPECT_TRUE(turns.wait("a", Clock::now()));
  EXPECT_TRUE(turns.wait("a", Clock::now()));
}

TEST(Turns, MoveWithTheirHolder) {
  Turns turns;
  auto turn = turns.wait("a", Clock::now());
  auto other = turns.wait("b", Clock::now());
  turn = std::move(other);
  other.reset();
  EXPECT_TRUE(turns.wait("a", Clock::now()));
  EXPECT_FALSE(turns.wait("b", Clock::now()));
}

TEST(Turns, AreWaitedFor) {
  Turns turns;
  int inside = 0;  // no atomic: the turns are what guards it
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        const auto turn = turns.wait("a", Clock::now() + std::chrono::minutes(1));
        EXPECT_EQ(++inside, 1);
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace kms
