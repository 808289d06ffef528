#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "pkcs11/cryptoki.h"
#include "pkcs11/loaded_module.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/eventually.h"

// Several tokens of one module, which is started again under them.
namespace pkcs11 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct TwoTokens : SoftHsmToken {
  TwoTokens() : SoftHsmToken("first") { softhsm.add_token("second"); }
};

class SeveralTokens : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure()) ADD_FAILURE() << softhsm_.log_text();
  }

  std::unique_ptr<Token> open(const std::string& label) {
    TokenOptions options = softhsm_.options();
    options.selector.label = label;
    options.close_within = close_within_;
    return softhsm_.module()->open(std::move(options), soon());
  }
  void use(Token& token, Deadline deadline) {
    Bytes out(8);
    token.random(out, deadline);
  }
  std::uint64_t starts() { return starts_of(proxy_); }
  /// The most that searches for a missing token may have started the module beside another one.
  static std::uint64_t most_starts(std::chrono::steady_clock::duration time) {
    std::uint64_t most = 1;
    for (milliseconds at(1500), wait(1500); at <= time; wait *= 2, at += wait) ++most;
    return most;
  }
  /// Waits until calls to the token do not get through; false if `over` comes first.
  bool is_held_up(Token& token, const std::atomic<bool>& over) {
    while (!over) {
      try {
        use(token, within(milliseconds(20)));
      } catch (const Error& error) {
        if (error.failure() == Failure::deadline_exceeded) return true;
      }
    }
    return false;
  }

  void await_calls(const char* function, std::uint64_t least) {
    EXPECT_TRUE(kms::test::eventually([&] { return proxy_.count(function).calls >= least; }));
  }
  /// Starts the module again, in which that function hangs now until it is released.
  std::thread hang_in_a_start(const char* function) {
    proxy_.hang(function);
    std::thread restart([this] { (void)softhsm_.module()->tokens(true, soon()); });
    EXPECT_TRUE(proxy_.wait_until_hanging(1, seconds(10)));
    return restart;
  }

  const milliseconds close_within_{200};
  TwoTokens softhsm_;
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  std::unique_ptr<Token> first_ = open("first");
  std::unique_ptr<Token> second_ = open("second");
};

TEST_F(SeveralTokens, OneThatIsAwayDisturbsTheOthersLessAndLess) {
  const auto begin = std::chrono::steady_clock::now();
  proxy_.zero_counters();
  proxy_.absent_until_restored("second");
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(use(*second_, within(milliseconds(500))), Error);
    use(*first_, soon());
  }
  const std::uint64_t most = most_starts(std::chrono::steady_clock::now() - begin);
  EXPECT_GE(starts(), 1U);
  EXPECT_LE(starts(), most);
  EXPECT_EQ(first_->epoch(), 1 + starts());
  // It needs no C_Initialize to be found.
  proxy_.restore();
  use(*second_, soon());
}

TEST_F(SeveralTokens, OneThatIsMissingIsNotSearchedForWithEachOpening) {
  const auto begin = std::chrono::steady_clock::now();
  proxy_.zero_counters();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(failure_of([&] { (void)open("third"); }), Failure::token_not_found);
  }
  EXPECT_GE(starts(), 1U);
  EXPECT_LE(starts(), most_starts(std::chrono::steady_clock::now() - begin));
  EXPECT_EQ(first_->epoch(), 1 + starts());
}

TEST_F(SeveralTokens, OneThatIsAskedForIsFoundSoon) {
  EXPECT_EQ(failure_of([&] { (void)open("third"); }), Failure::token_not_found);
  softhsm_.softhsm.add_token("third");
  TokenOptions options = softhsm_.options();
  options.selector.label = "third";
  options.asked_for = true;
  use(*softhsm_.module()->open(std::move(options), soon()), soon());
  EXPECT_EQ(first_->epoch(), 3U);
}

TEST_F(SeveralTokens, OneWhoseCallHangsDoesNotHoldUpTheOthersForLong) {
  const WrappedMaterial key = second_->generate_wrapped(KeyKind::aes_256, soon());
  proxy_.hang("C_Encrypt");
  std::thread hung([&] { (void)second_->gcm_encrypt(key, {}, {}, soon()); });
  ASSERT_TRUE(proxy_.wait_until_hanging(1, seconds(10)));
  std::atomic<bool> over{false};
  std::thread restart([&] {
    EXPECT_EQ(failure_of([&] { (void)softhsm_.module()->tokens(true, within(seconds(3))); }),
              Failure::deadline_exceeded);
    over = true;
  });
  (void)is_held_up(*first_, over);
  use(*first_, within(seconds(8)));
  restart.join();
  EXPECT_EQ(first_->epoch(), 1U);
  proxy_.release();
  hung.join();
  use(*second_, soon());
}

TEST_F(SeveralTokens, OneThatIsBusyPutsAStartOffOnly) {
  proxy_.latency("C_GenerateKeyPair", seconds(2));
  proxy_.zero_counters();
  std::thread busy([&] { (void)second_->generate_wrapped(KeyKind::rsa_2048, soon()); });
  await_calls("C_GenerateKeyPair", 1);
  EXPECT_NO_THROW((void)softhsm_.module()->tokens(true, soon()));
  EXPECT_EQ(starts(), 1U);
  busy.join();
}

TEST_F(SeveralTokens, OneThatIsBeingRecoveredDoesNotKeepTheModuleFromAStart) {
  const auto module = std::static_pointer_cast<LoadedModule>(softhsm_.module());
  proxy_.zero_counters();
  proxy_.absent_until_restored("first");
  std::thread waiting([this] { use(*first_, soon()); });
  // Two failed attempts: it will be a second until the token is searched for.
  await_calls("C_GetSlotList", 4);
  EXPECT_NO_THROW(module->start_again(module->generation(), soon()));
  proxy_.restore();
  waiting.join();
}

TEST_F(SeveralTokens, AStartThatIsUnderWayIsNotTheOneAskedFor) {
  proxy_.zero_counters();
  std::thread first = hang_in_a_start("C_Initialize");
  // What it sees of the tokens may be older than this.
  EXPECT_EQ(failure_of([&] { (void)softhsm_.module()->tokens(true, within(milliseconds(100))); }),
            Failure::deadline_exceeded);
  std::thread second([this] { (void)softhsm_.module()->tokens(true, soon()); });
  proxy_.release();
  first.join();
  second.join();
  EXPECT_EQ(starts(), 2U);
}

TEST_F(SeveralTokens, OneMayGoWhileTheModuleIsStartedAgain) {
  proxy_.hang("C_Logout");
  std::thread closing([this] { second_.reset(); });
  ASSERT_TRUE(proxy_.wait_until_hanging(1, seconds(10)));
  std::atomic<bool> over{false};
  std::thread restart([&] {
    try {
      (void)softhsm_.module()->tokens(true, soon());
    } catch (const Error& error) {
      // Not before the second token let go.
      EXPECT_EQ(error.failure(), Failure::deadline_exceeded);
    }
    over = true;
  });
  (void)is_held_up(*first_, over);
  // While the first token's sessions are closed, the second one ceases to exist.
  proxy_.latency("C_CloseSession", milliseconds(20));
  proxy_.release();
  closing.join();
  restart.join();
  use(*first_, soon());
  second_ = open("second");
  use(*second_, soon());
}

TEST_F(SeveralTokens, OneMayGoWhileItsLoginHangs) {
  std::thread restart = hang_in_a_start("C_Login");
  first_.reset();
  proxy_.release();
  restart.join();
  EXPECT_THAT(softhsm_.log_text(), testing::HasSubstr("token not closed"));
  // What it held is free again, and the module can still be started.
  first_ = open("first");
  use(*first_, soon());
  use(*second_, soon());
  proxy_.zero_counters();
  (void)softhsm_.module()->tokens(true, soon());
  EXPECT_EQ(starts(), 1U);
}

TEST_F(SeveralTokens, OneMayGoWhileAStartHangsThatFails) {
  proxy_.hang("C_Initialize");
  proxy_.fail("C_Initialize", CKR_GENERAL_ERROR);
  std::thread restart([this] {
    EXPECT_EQ(failure_of([&] { (void)softhsm_.module()->tokens(true, soon()); }),
              Failure::module_not_loadable);
  });
  ASSERT_TRUE(proxy_.wait_until_hanging(1, seconds(10)));
  first_.reset();
  proxy_.release();
  restart.join();
  use(*second_, soon());
  first_ = open("first");
  use(*first_, soon());
}

TEST_F(SeveralTokens, OneWhoseLoginHangsDoesNotHoldUpTheOthers) {
  std::thread restart = hang_in_a_start("C_Login");
  EXPECT_NO_THROW(use(*second_, within(seconds(5))));
  proxy_.release();
  restart.join();
  use(*first_, soon());
  EXPECT_EQ(first_->epoch(), 2U);
  EXPECT_EQ(second_->epoch(), 2U);
}

/// Another module, in whose start a call hangs until it is released, and fails.
class BesideAHangingStart : public SeveralTokens {
 protected:
  BesideAHangingStart() {
    another_.hang("C_Initialize");
    another_.fail("C_Initialize", CKR_GENERAL_ERROR);
    starting_ = std::thread([this] {
      EXPECT_EQ(failure_of([&] { (void)softhsm_.modules.load(copy_, {}, soon()); }),
                Failure::module_not_loadable);
    });
    EXPECT_TRUE(another_.wait_until_hanging(1, seconds(10)));
  }
  std::string make_copy() {
    const std::string copy = softhsm_.softhsm.path() / "another.so";
    std::filesystem::copy_file(kms::test::SoftHsm::proxy_path(), copy);
    return copy;
  }

  const std::string copy_ = make_copy();
  pkcs11_proxy::Control& another_ = pkcs11_proxy::control(copy_);
  std::thread starting_;
};

TEST_F(BesideAHangingStart, TheModuleIsWaitedForUntilTheDeadline) {
  EXPECT_EQ(failure_of([&] { (void)softhsm_.modules.load(copy_, {}, within(milliseconds(100))); }),
            Failure::deadline_exceeded);
  another_.release();
  starting_.join();
}

TEST_F(BesideAHangingStart, NobodyOfAnotherModuleIsHeldUp) {
  second_.reset();
  auto opening = std::async(std::launch::async, [this] { return open("second"); });
  EXPECT_EQ(opening.wait_for(seconds(60)), std::future_status::ready);
  another_.release();
  starting_.join();
  use(*opening.get(), soon());
}

}  // namespace
}  // namespace pkcs11
