#include <thread>

#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

class RegionTokens : public KeyStoresTest {
 protected:
  std::string status(const std::string& name) {
    for (const keystores::TokenStatus& one : stores().status()) {
      if (one.name == name) return one.ready ? "ready" : one.detail;
    }
    return "(none)";
  }
  bool reaches_status(const std::string& name, const std::string& wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (status(name) != wanted) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_F(RegionTokens, AreOpenAfterTheStart) {
  EXPECT_EQ(status("us-east-1"), "ready");
  EXPECT_EQ(status("eu-west-1"), "ready");
  EXPECT_EQ(stores().status().size(), 2U);
}

TEST_F(RegionTokens, AbsentOneIsAnInternalErrorAndComesBackByItself) {
  const keys::KeyPtr key = make_key();
  stop();
  proxy().absent_until_restored("us-east-1");
  start();
  EXPECT_EQ(status("us-east-1"), "token_not_found");
  EXPECT_EQ(status("eu-west-1"), "ready");
  EXPECT_EQ(encrypt(key), "500 KMSInternalException: Internal error.");
  proxy().restore();
  EXPECT_TRUE(reaches_status("us-east-1", "ready"));
  EXPECT_EQ(encrypt(key), "OK");
}

TEST_F(RegionTokens, AreWaitedForWhileTheyAreOpened) {
  const keys::KeyPtr key = make_key();
  stop();
  proxy().hang("C_Login", 2);
  begin();
  EXPECT_EQ(status("us-east-1"), "not opened yet");
  EXPECT_EQ(outcome([&] { (void)stores().region("us-east-1"); }), "OK");
  EXPECT_EQ(encrypt(key, nullptr, std::chrono::milliseconds{10}),
            "500 KMSInternalException: Internal error.");
  proxy().release();
  EXPECT_EQ(encrypt(key), "OK");
}

TEST_F(RegionTokens, LostOneIsAnInternalErrorAtTheDeadline) {
  const keys::KeyPtr key = make_key();
  proxy().absent_until_restored("us-east-1");
  EXPECT_EQ(encrypt(key, nullptr, std::chrono::milliseconds{300}),
            "500 KMSInternalException: Internal error.");
  proxy().restore();
  EXPECT_EQ(encrypt(key), "OK");
}

TEST_F(RegionTokens, OneThatDoesNotAnswerHoldsUpNobodyWhoAsks) {
  proxy().zero_counters();
  proxy().hang("C_GetSessionInfo", pkcs11_proxy::kForever);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(status("us-east-1"), "does not answer");
    EXPECT_EQ(stores().reconcile({}, soon()).tokens, std::vector<std::string>{});
  }
  // One call to each of the two tokens.
  EXPECT_EQ(proxy().count("C_GetSessionInfo").calls, 2U);
  proxy().release();
  EXPECT_TRUE(reaches_status("us-east-1", "ready"));
  EXPECT_TRUE(reaches_status("eu-west-1", "ready"));
}

TEST_F(RegionTokens, RefusedPinIsTriedOnceInAllRuns) {
  stop();
  config_.regions[0].pin = SecretBytes::copy_of(std::string_view("wrong-pin"));
  proxy().zero_counters();
  start();
  EXPECT_EQ(status("us-east-1"), "pin_incorrect");
  const std::uint64_t refused = proxy().count("C_Login").errors;
  EXPECT_EQ(refused, 1U);
  restart();
  EXPECT_EQ(status("us-east-1"), "pin_incorrect");
  EXPECT_EQ(proxy().count("C_Login").errors, refused);
  stop();
  config_.regions[0].pin = SecretBytes::copy_of(std::string_view(SoftHsm::kUserPin));
  start();
  EXPECT_EQ(status("us-east-1"), "ready");
}

TEST_F(RegionTokens, UnknownRegionIsAnInternalError) {
  EXPECT_EQ(outcome([&] { (void)stores().region("mars-1"); }),
            "500 KMSInternalException: Internal error.");
}

TEST_F(RegionTokens, WithoutOneTheCustomKeyStoresWait) {
  be_impatient();
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  stop();
  proxy().absent_until_restored("us-east-1");
  start();
  EXPECT_EQ(state(id), "CONNECTED");
  EXPECT_NE(status(id), "ready");
  proxy().restore();
  EXPECT_TRUE(reaches_status(id, "ready"));
  EXPECT_EQ(state(id), "CONNECTED");
}

}  // namespace
}  // namespace kms::test
