#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "connector/base/encodings.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/process.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

using namespace std::chrono_literals;

/// Keys that are objects in a token which is not always there.
class DueKey : public ::testing::Test {
 protected:
  DueKey() {
    proxy().reset();
    kms_.stop();
    for (config::Region& region : kms_.config().regions) {
      region.token.module = SoftHsm::proxy_path();
    }
    for (config::Cluster& cluster : kms_.config().clusters) {
      cluster.token.module = SoftHsm::proxy_path();
    }
    kms_.start();
  }
  ~DueKey() override {
    proxy().reset();
    kms_.stop();
  }

  static pkcs11_proxy::Control& proxy() { return pkcs11_proxy::control(SoftHsm::proxy_path()); }
  template <class Condition>
  static bool await(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static std::string id(const std::string& key) { return "{\"KeyId\":\"" + key + "\"}"; }
  std::string create_in(const std::string& store) {
    return kms_.create_key(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}");
  }
  void schedule(const std::string& key) {
    kms_.ok("ScheduleKeyDeletion", "{\"KeyId\":\"" + key + R"(","PendingWindowInDays":7})");
  }
  /// Starts again when that time has passed since the first start, with that token away.
  void begin_after(std::chrono::hours time, const std::string& absent) {
    kms_.stop();
    kms_.config().clock_offset = time;
    if (!absent.empty()) proxy().absent_until_restored(absent);
    kms_.begin();
  }
  bool disappears(const std::string& key) {
    return await([&] { return kms_.call("DescribeKey", id(key)).status == 400; });
  }
  /// The DeleteKey events of a key.
  std::vector<rapidjson::Document> events(const std::string& key) {
    std::vector<rapidjson::Document> all;
    for (const std::string& line : kms_.audit_lines()) {
      rapidjson::Document event;
      event.Parse(line.c_str());
      if (event.HasParseError() || event["eventName"] != "DeleteKey") continue;
      if (event["serviceEventDetails"]["keyId"].GetString() == key) all.push_back(std::move(event));
    }
    return all;
  }
  bool is_deleted(const std::string& key) {
    return await([&] { return !events(key).empty(); });
  }
  /// What additionalEventData of its only DeleteKey event says.
  std::string told(const std::string& key, const char* member) {
    const auto all = events(key);
    if (all.size() != 1) return std::to_string(all.size()) + " events";
    return all[0]["additionalEventData"][member].GetString();
  }
  /// CKA_ID of the object with the key's ARN as its label; empty if there is none.
  std::string object_of(const std::string& key, const std::string& token, const std::string& pin) {
    const std::string listed =
        run_ok({.arguments = {"pkcs11-tool", "--module", SoftHsm::module_path(), "--token-label",
                              token, "--login", "--pin", pin, "--list-objects"}})
            .output;
    const std::size_t label = listed.find(kms_.arn(key));
    if (label == std::string::npos) return {};
    const std::size_t id = listed.find("ID:", label);
    const std::size_t begin = listed.find_first_not_of(' ', id + 3);
    return listed.substr(begin, listed.find('\n', begin) - begin);
  }

  Harness kms_;
};

TEST_F(DueKey, IsToldWithTheBackingKeysOfACustomKeyStore) {
  const std::string store = kms_.connected_store();
  const std::string key = create_in(store);
  const std::string object = object_of(key, kCluster, kStorePassword);
  ASSERT_EQ(object.size(), 32U);
  schedule(key);
  begin_after(8 * 24h, "");
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(told(key, "customKeyStoreId"), store);
  EXPECT_EQ(told(key, "clusterId"), kCluster);
  EXPECT_EQ(told(key, "backingKeys"), R"([{"backingKeyId":")" + object + "\"}]");
  EXPECT_EQ(told(key, "backingKeysDeletionStatus"),
            R"([{"backingKeyId":")" + object + R"(","deletionStatus":"SUCCESS"}])");
  EXPECT_EQ(object_of(key, kCluster, kStorePassword), "");
}

TEST_F(DueKey, WaitsForTheTokenOfAConnectedStore) {
  const std::string store = kms_.connected_store();
  const std::string key = create_in(store);
  const std::string object = object_of(key, kCluster, kStorePassword);
  schedule(key);
  begin_after(8 * 24h, kCluster);
  ASSERT_TRUE(disappears(key));
  proxy().restore();
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(told(key, "backingKeysDeletionStatus"),
            R"([{"backingKeyId":")" + object + R"(","deletionStatus":"SUCCESS"}])");
  EXPECT_EQ(object_of(key, kCluster, kStorePassword), "");
}

TEST_F(DueKey, IsTriedAgainWhenTheTokenRefuses) {
  const std::string key = create_in(kms_.connected_store());
  schedule(key);
  // Nothing else destroys a token object.
  proxy().fail("C_DestroyObject", 0x1B /* CKR_ACTION_PROHIBITED */, 0, 2);
  begin_after(8 * 24h, "");
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(object_of(key, kCluster, kStorePassword), "");
}

TEST_F(DueKey, OfADisconnectedStoreLeavesTheObject) {
  const std::string store = kms_.connected_store();
  const std::string key = create_in(store);
  const std::string object = object_of(key, kCluster, kStorePassword);
  schedule(key);
  kms_.ok("DisconnectCustomKeyStore", R"({"CustomKeyStoreId":")" + store + "\"}");
  kms_.await_state(store, "DISCONNECTED");
  begin_after(8 * 24h, "");
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(told(key, "backingKeysDeletionStatus"),
            R"([{"backingKeyId":")" + object + R"(","deletionStatus":"FAILURE"}])");
  EXPECT_EQ(object_of(key, kCluster, kStorePassword), object);
}

TEST_F(DueKey, GivesACustomKeyStoreUpAfterADay) {
  const std::string key = create_in(kms_.connected_store());
  const std::string object = object_of(key, kCluster, kStorePassword);
  schedule(key);
  begin_after(8 * 24h, kCluster);
  ASSERT_TRUE(disappears(key));
  begin_after(9 * 24h + 1h, kCluster);
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(told(key, "backingKeysDeletionStatus"),
            R"([{"backingKeyId":")" + object + R"(","deletionStatus":"FAILURE"}])");
}

TEST_F(DueKey, WaitsForTheRegionsTokenAsLongAsItTakes) {
  const std::string key =
      kms_.create_key(R"({"KeySpec":"ECC_NIST_EDWARDS25519","KeyUsage":"SIGN_VERIFY"})");
  ASSERT_EQ(object_of(key, "us-east-1", SoftHsm::kUserPin).size(), 32U);
  schedule(key);
  begin_after(8 * 24h, "us-east-1");
  ASSERT_TRUE(disappears(key));
  begin_after(30 * 24h, "us-east-1");
  EXPECT_EQ(events(key).size(), 0U);
  proxy().restore();
  ASSERT_TRUE(is_deleted(key));
  EXPECT_EQ(object_of(key, "us-east-1", SoftHsm::kUserPin), "");
}

}  // namespace
}  // namespace kms::test
