#include "pkcs11/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "pkcs11/timed_mutex.h"
#include "tests/pkcs11/softhsm_token.h"

namespace pkcs11 {
namespace {

using std::chrono::milliseconds;

bool passes(Gate& gate, milliseconds time) {
  try {
    const GatePass pass(gate, within(time));
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.failure(), Failure::deadline_exceeded);
    return false;
  }
}

bool closes(Gate& gate, milliseconds time) {
  try {
    const GateClosed closed(gate, within(time));
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.failure(), Failure::deadline_exceeded);
    return false;
  }
}

TEST(Gate, ManyPassAtATimeAndNoneWhileClosed) {
  Gate gate;
  {
    const GatePass one(gate, soon());
    EXPECT_TRUE(passes(gate, milliseconds(0)));
    EXPECT_FALSE(closes(gate, milliseconds(10)));
    EXPECT_TRUE(passes(gate, milliseconds(0)));
  }
  {
    const GateClosed closed(gate, soon());
    EXPECT_FALSE(passes(gate, milliseconds(10)));
    EXPECT_FALSE(closes(gate, milliseconds(10)));
  }
  EXPECT_TRUE(passes(gate, milliseconds(0)));
  EXPECT_TRUE(closes(gate, milliseconds(0)));
}

TEST(Gate, AWaitingWriterGoesFirst) {
  Gate gate;
  std::atomic<bool> closed{false};
  std::thread writer;
  {
    const GatePass inside(gate, soon());
    writer = std::thread([&] {
      const GateClosed mine(gate, soon());
      closed = true;
    });
    // It waits for us from the moment nobody else gets in.
    while (passes(gate, milliseconds(0))) std::this_thread::yield();
    EXPECT_FALSE(closed);
  }
  writer.join();
  EXPECT_TRUE(closed);
  EXPECT_TRUE(passes(gate, milliseconds(0)));
}

TEST(Gate, BarredIsClosedToAllButWriters) {
  Gate gate;
  {
    const GateBarred barred(gate);
    EXPECT_FALSE(passes(gate, milliseconds(10)));
    EXPECT_TRUE(closes(gate, milliseconds(0)));
    EXPECT_FALSE(passes(gate, milliseconds(10)));
    const GateBarred again(gate);
    EXPECT_TRUE(closes(gate, milliseconds(0)));
  }
  EXPECT_TRUE(passes(gate, milliseconds(0)));
}

TEST(Gate, AWriterThatGivesUpLetsTheOthersPass) {
  Gate gate;
  const GatePass inside(gate, soon());
  std::thread writer([&] { EXPECT_FALSE(closes(gate, milliseconds(50))); });
  EXPECT_TRUE([&] {
    const GatePass other(gate, soon());
    return true;
  }());
  writer.join();
  EXPECT_TRUE(passes(gate, milliseconds(0)));
}

TEST(Gate, KeepsReadersAndWritersApart) {
  Gate gate;
  std::atomic<int> readers{0};
  std::atomic<int> writers{0};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 300; ++k) {
        if (i < 2) {
          const GateClosed closed(gate, soon());
          if (++writers != 1 || readers != 0) wrong = true;
          --writers;
        } else {
          const GatePass pass(gate, soon());
          ++readers;
          if (writers != 0) wrong = true;
          --readers;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(wrong);
}

TEST(TimedMutex, GivesUpAtTheDeadlineAndNamesWhatItWaitedFor) {
  TimedMutex mutex;
  std::optional<TimedLock> held(std::in_place, mutex, soon(), "a search");
  std::thread other([&] {
    try {
      const TimedLock lock(mutex, within(milliseconds(10)), "a search");
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.failure(), Failure::deadline_exceeded);
      EXPECT_STREQ(error.what(), "no turn in time for a search");
    }
  });
  other.join();
  held.reset();
  EXPECT_NO_THROW(TimedLock(mutex, within(milliseconds(0)), "a search"));
}

}  // namespace
}  // namespace pkcs11
