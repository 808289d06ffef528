#include "connector/auth/guess_limit.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <string>
#include <thread>
#include <vector>

#include "connector/api/error.h"
#include "connector/auth/sigv4.h"
#include "tests/connector/auth/fixture.h"

namespace kms::auth {
namespace {

using std::chrono::milliseconds;

/// Three failures a minute; time stands still, and nobody sleeps.
class GuessLimitTest : public testing::Test {
 protected:
  /// Whether the answer to one more failure came at once, late, or was a refusal.
  std::string fail(std::string_view access_key_id, std::string_view address) {
    slept_ = milliseconds{0};
    try {
      count_ = limit_.failed(access_key_id, address);
    } catch (const api::Error& error) {
      return std::string(error.wire_code()) + ": " + error.message().value_or("");
    }
    return slept_.count() == 0 ? "at once" : "after " + std::to_string(slept_.count());
  }

  GuessLimit::Time now_ = GuessLimit::Time{} + std::chrono::hours(1);
  milliseconds slept_{0};
  std::size_t count_ = 0;
  GuessLimit limit_{
      3, {.now = [this] { return now_; }, .sleep = [this](milliseconds time) { slept_ += time; }}};
};

TEST_F(GuessLimitTest, SlowsWhatIsBeyondTheLimitOfAMinute) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "at once");
  EXPECT_EQ(count_, 3U);
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "after 500");
  now_ += std::chrono::seconds(59);
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "after 500");
  EXPECT_EQ(count_, 5U);
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "at once");
  EXPECT_EQ(count_, 1U);
}

TEST_F(GuessLimitTest, CountsEachAccessKeyAndAddressApart) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "at once");
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.2"), "at once");
  EXPECT_EQ(fail("AKIDBOB", "192.0.2.1"), "at once");
  EXPECT_EQ(fail("", "192.0.2.1"), "at once");
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "after 500");
}

TEST_F(GuessLimitTest, TakesAnIpv6NetworkForOneAddress) {
  for (const char* address : {"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::"}) {
    EXPECT_EQ(fail("AKIDEXAMPLE", address), "at once");
  }
  EXPECT_EQ(fail("AKIDEXAMPLE", "2001:db8:1:3::1"), "at once");
  EXPECT_EQ(fail("AKIDEXAMPLE", "2001:db8:1:2::4"), "after 500");
}

TEST_F(GuessLimitTest, DoesNotGrowAndStillSlowsThoseWhoGuessMost) {
  for (int i = 0; i < 100; ++i) static_cast<void>(fail("AKIDEXAMPLE", "192.0.2.1"));
  // Strangers from everywhere.
  for (int i = 0; i < 20000; ++i) {
    static_cast<void>(
        fail("", "198.51." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
  }
  EXPECT_EQ(fail("AKIDEXAMPLE", "192.0.2.1"), "after 500");
  EXPECT_EQ(count_, 101U);
}

TEST(GuessLimit, WithoutALimitSlowsNothing) {
  GuessLimit limit(0, {.now = [] { return GuessLimit::Time{}; },
                       .sleep = [](milliseconds) { ADD_FAILURE() << "slept"; }});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limit.failed("AKIDEXAMPLE", "192.0.2.1"), 0U);
}

TEST(GuessLimit, RefusesAtOnceWhatWouldHoldTooManyThreads) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t asleep = 0;
  bool awake = false;
  GuessLimit limit(1, {.now = [] { return GuessLimit::Time{}; },
                       .sleep =
                           [&](milliseconds) {
                             std::unique_lock lock(mutex);
                             ++asleep;
                             changed.notify_all();
                             changed.wait(lock, [&] { return awake; });
                           }});
  EXPECT_EQ(limit.failed("AKIDEXAMPLE", "192.0.2.1"), 1U);
  std::vector<std::thread> guessers;
  for (std::size_t i = 0; i < GuessLimit::kMostSleepers; ++i) {
    guessers.emplace_back([&] { static_cast<void>(limit.failed("AKIDEXAMPLE", "192.0.2.1")); });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asleep == GuessLimit::kMostSleepers; });
  }
  std::string refusal;
  try {
    static_cast<void>(limit.failed("AKIDEXAMPLE", "192.0.2.1"));
  } catch (const api::Error& error) {
    refusal = std::string(error.wire_code()) + ": " + error.message().value_or("");
  }
  EXPECT_EQ(refusal, "ThrottlingException: Rate exceeded");
  {
    const std::lock_guard lock(mutex);
    awake = true;
  }
  changed.notify_all();
  for (std::thread& guesser : guessers) guesser.join();
  EXPECT_EQ(limit.failed("AKIDEXAMPLE", "192.0.2.1"), 2U + GuessLimit::kMostSleepers + 1U);
}

TEST(GuessLimit, NeverHoldsUpARightSignature) {
  const config::Config config = test::example_config();
  const test::StandingClock clock;
  const IdentityDirectory identities(std::make_shared<const Identities>(config));
  int slept = 0;
  GuessLimit limit(
      2, {.now = [] { return GuessLimit::Time{}; }, .sleep = [&](milliseconds) { ++slept; }});
  const SignatureVerifier verifier(config,
                                   {.identities = identities, .clock = clock, .guesses = &limit});
  api::Request wrong = test::signed_request({.secret = "a guess"});
  wrong.peer_address = "192.0.2.1";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(test::verdict(verifier, wrong), test::kMismatch);
  EXPECT_EQ(slept, 8);
  api::Request right = test::signed_request();
  right.peer_address = "192.0.2.1";
  EXPECT_EQ(test::verdict(verifier, right), "accepted");
  EXPECT_EQ(slept, 8);
  std::size_t failures = 0;
  EXPECT_THROW(static_cast<void>(verifier.verify(wrong, kKmsService, &failures)), api::Error);
  EXPECT_EQ(failures, 11U);
  // All that nobody has count as one.
  for (const char* id : {"AKIDNOBODY1", "AKIDNOBODY2", "AKIDNOBODY3"}) {
    api::Request unknown = test::signed_request({.access_key_id = id});
    unknown.peer_address = "192.0.2.1";
    EXPECT_EQ(test::verdict(verifier, unknown), test::kUnknown);
  }
  EXPECT_EQ(slept, 10);
}

}  // namespace
}  // namespace kms::auth
