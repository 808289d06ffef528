#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/pkcs11/softhsm_token.h"

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
    return softhsm_.module()->open(std::move(options), soon());
  }
  void use(Token& token, Deadline deadline) {
    Bytes out(8);
    token.random(out, deadline);
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

  TwoTokens softhsm_;
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  std::unique_ptr<Token> first_ = open("first");
  std::unique_ptr<Token> second_ = open("second");
};

TEST_F(SeveralTokens, OneMayGoWhileTheModuleIsStartedAgain) {
  proxy_.hang("C_Logout");
  std::thread closing([this] { second_.reset(); });
  ASSERT_TRUE(proxy_.wait_until_hanging(1, seconds(10)));
  std::atomic<bool> over{false};
  std::thread restart([&] {
    try {
      (void)softhsm_.module()->tokens(true);
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

}  // namespace
}  // namespace pkcs11
