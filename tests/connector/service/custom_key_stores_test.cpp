#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "connector/base/encodings.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

class CustomKeyStores : public ::testing::Test {
 protected:
  static std::string id(const std::string& store, const std::string& more = "") {
    return R"({"CustomKeyStoreId":")" + store + "\"" + more + "}";
  }
  std::string create(const std::string& name = "store", const std::string& cluster = kCluster) {
    return kms_.ok("CreateCustomKeyStore", kms_.create_store_body(name, cluster))
        .at("CustomKeyStoreId");
  }
  std::string outcome(std::string_view operation, const std::string& body) {
    return kms_.call(operation, body).outcome();
  }
  /// The wire code of a refusal.
  std::string code(std::string_view operation, const std::string& body) {
    return kms_.call(operation, body).at("__type");
  }
  /// The audit record of the last call of this operation.
  rapidjson::Document last_record(std::string_view operation) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    do {
      std::vector<std::string> lines = kms_.audit_lines();
      std::ranges::reverse(lines);
      for (const std::string& line : lines) {
        rapidjson::Document record;
        record.Parse(line.c_str());
        if (!record.HasParseError() && record["eventName"].GetString() == operation) return record;
      }
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < deadline);
    return rapidjson::Document(rapidjson::kNullType);
  }

  Harness kms_;
};

TEST_F(CustomKeyStores, LiveThroughTheirLife) {
  const std::string store = kms_.connected_store();
  const std::string key =
      kms_.create_key(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}");
  const Answer described = kms_.ok("DescribeKey", R"({"KeyId":")" + key + "\"}");
  EXPECT_EQ(described.at("KeyMetadata.CustomKeyStoreId"), store);
  EXPECT_EQ(described.at("KeyMetadata.CloudHsmClusterId"), kCluster);
  EXPECT_EQ(described.at("KeyMetadata.Origin"), "AWS_CLOUDHSM");

  const std::string encrypt =
      R"({"KeyId":")" + key + R"(","Plaintext":)" + "\"" + to_base64(as_bytes("hello")) + "\"}";
  const std::string blob = kms_.ok("Encrypt", encrypt).at("CiphertextBlob");
  const std::string decrypt = R"({"CiphertextBlob":")" + blob + "\"}";
  EXPECT_EQ(kms_.ok("Decrypt", decrypt).at("Plaintext"), to_base64(as_bytes("hello")));

  EXPECT_EQ(kms_.ok("DisconnectCustomKeyStore", id(store)).body, "{}");
  kms_.await_state(store, "DISCONNECTED");
  EXPECT_EQ(kms_.ok("DescribeKey", R"({"KeyId":")" + key + "\"}").at("KeyMetadata.KeyState"),
            "Unavailable");
  EXPECT_EQ(outcome("Decrypt", decrypt),
            "400 KMSInvalidStateException: " + kms_.arn(key) + " is unavailable.");
  EXPECT_EQ(code("CreateKey", R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}"),
            "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(code("DeleteCustomKeyStore", id(store)), "CustomKeyStoreHasCMKsException");

  EXPECT_EQ(
      kms_.ok("UpdateCustomKeyStore", id(store, R"(,"NewCustomKeyStoreName":"renamed")")).body,
      "{}");
  EXPECT_EQ(kms_.ok("ConnectCustomKeyStore", id(store)).body, "{}");
  kms_.await_state(store, "CONNECTED");
  EXPECT_EQ(kms_.ok("Decrypt", decrypt).at("Plaintext"), to_base64(as_bytes("hello")));
  kms_.restart();
  EXPECT_EQ(kms_.ok("Decrypt", decrypt).at("Plaintext"), to_base64(as_bytes("hello")));
}

TEST_F(CustomKeyStores, AreDescribed) {
  EXPECT_EQ(kms_.ok("DescribeCustomKeyStores", "{}").body,
            R"({"CustomKeyStores":[],"Truncated":false})");
  const std::string store = create("a name");
  const Answer answer = kms_.ok("DescribeCustomKeyStores", id(store));
  const auto& entry = answer.json["CustomKeyStores"][0];
  EXPECT_EQ(entry.MemberCount(), 7U);
  EXPECT_EQ(answer.at("CustomKeyStores.0.CustomKeyStoreId"), store);
  EXPECT_EQ(answer.at("CustomKeyStores.0.CustomKeyStoreName"), "a name");
  EXPECT_EQ(answer.at("CustomKeyStores.0.CloudHsmClusterId"), kCluster);
  EXPECT_EQ(answer.at("CustomKeyStores.0.CustomKeyStoreType"), "AWS_CLOUDHSM");
  EXPECT_EQ(answer.at("CustomKeyStores.0.ConnectionState"), "DISCONNECTED");
  EXPECT_TRUE(entry["CreationDate"].IsNumber());
  EXPECT_EQ(answer.at("CustomKeyStores.0.TrustAnchorCertificate").substr(0, 27),
            "-----BEGIN CERTIFICATE-----");
  EXPECT_EQ(answer.at("Truncated"), "false");
  EXPECT_EQ(kms_.ok("DescribeCustomKeyStores", R"({"CustomKeyStoreName":"a name"})").body,
            answer.body);
}

TEST_F(CustomKeyStores, ShowWhyTheyFailed) {
  const std::string store =
      kms_.ok("CreateCustomKeyStore", kms_.create_store_body("store", kCluster, "wrong-pass"))
          .at("CustomKeyStoreId");
  kms_.ok("ConnectCustomKeyStore", id(store));
  kms_.await_state(store, "FAILED");
  const Answer answer = kms_.ok("DescribeCustomKeyStores", id(store));
  EXPECT_EQ(answer.at("CustomKeyStores.0.ConnectionErrorCode"), "INVALID_CREDENTIALS");
  EXPECT_EQ(code("ConnectCustomKeyStore", id(store)), "CustomKeyStoreInvalidStateException");
  kms_.ok("DisconnectCustomKeyStore", id(store));
  kms_.await_state(store, "DISCONNECTED");
  kms_.ok("UpdateCustomKeyStore", id(store, R"(,"KeyStorePassword":"kmsPswd-1")"));
  kms_.ok("ConnectCustomKeyStore", id(store));
  kms_.await_state(store, "CONNECTED");
}

// AWS's procedure: disconnect, set the password in the cluster, tell KMS, connect.
TEST_F(CustomKeyStores, TakeAPasswordThatWasChangedInTheToken) {
  const std::string store = kms_.connected_store();
  const std::string key = kms_.create_key();
  std::string current = kStorePassword;
  for (const std::string& next : {std::string("changed-1"), std::string("changed-2")}) {
    kms_.ok("DisconnectCustomKeyStore", id(store));
    kms_.await_state(store, "DISCONNECTED");
    kms_.hsm().change_user_pin(kCluster, current, next);
    kms_.ok("UpdateCustomKeyStore", id(store, ",\"KeyStorePassword\":\"" + next + "\""));
    kms_.ok("ConnectCustomKeyStore", id(store));
    kms_.await_state(store, "CONNECTED");
    current = next;
  }
  // The other tokens of the module were logged in to again.
  kms_.ok("Encrypt", "{\"KeyId\":\"" + key + "\",\"Plaintext\":\"eA==\"}");
}

TEST_F(CustomKeyStores, AreListedPageByPage) {
  const std::string first = create("first", kCluster);
  const std::string second = create("second", kOtherCluster);
  const Answer page = kms_.ok("DescribeCustomKeyStores", R"({"Limit":1})");
  EXPECT_EQ(page.at("Truncated"), "true");
  EXPECT_EQ(page.at("CustomKeyStores.0.CustomKeyStoreId"), std::min(first, second));
  const std::string marker = page.at("NextMarker");
  const Answer rest =
      kms_.ok("DescribeCustomKeyStores", R"({"Limit":1,"Marker":")" + marker + "\"}");
  EXPECT_EQ(rest.at("Truncated"), "false");
  EXPECT_EQ(rest.at("NextMarker"), "(absent)");
  EXPECT_EQ(rest.at("CustomKeyStores.0.CustomKeyStoreId"), std::max(first, second));
  EXPECT_EQ(code("DescribeCustomKeyStores", R"({"Marker":"x"})"), "InvalidMarkerException");
  EXPECT_EQ(code("DescribeCustomKeyStores", id(first, R"(,"Marker":")" + marker + "\"")),
            "InvalidMarkerException");
  EXPECT_EQ(code("ListKeys", R"({"Marker":")" + marker + "\"}"), "InvalidMarkerException");
}

TEST_F(CustomKeyStores, AreOfOneAccountAndRegion) {
  const std::string store = create();
  EXPECT_EQ(kms_.call("DescribeCustomKeyStores", "{}", bob()).body,
            R"({"CustomKeyStores":[],"Truncated":false})");
  for (const char* operation :
       {"DescribeCustomKeyStores", "ConnectCustomKeyStore", "DisconnectCustomKeyStore",
        "DeleteCustomKeyStore", "UpdateCustomKeyStore"}) {
    const std::string expected = "CustomKeyStoreNotFoundException";
    EXPECT_EQ(kms_.call(operation, id(store), bob()).at("__type"), expected) << operation;
    EXPECT_EQ(kms_.call(operation, id(store), admin(), "us-west-2").at("__type"), expected)
        << operation;
  }
}

TEST_F(CustomKeyStores, AreForCallersWhoMay) {
  const std::string store = create();
  for (const char* operation :
       {"DescribeCustomKeyStores", "ConnectCustomKeyStore", "DisconnectCustomKeyStore",
        "DeleteCustomKeyStore", "UpdateCustomKeyStore"}) {
    EXPECT_EQ(kms_.call(operation, id(store), alice()).at("__type"), "AccessDeniedException")
        << operation;
  }
  EXPECT_EQ(kms_.call("CreateCustomKeyStore", kms_.create_store_body("x", kOtherCluster), alice())
                .at("__type"),
            "AccessDeniedException");
}

TEST_F(CustomKeyStores, RefuseWhatDoesNotGoTogether) {
  EXPECT_EQ(
      code("DescribeCustomKeyStores", R"({"CustomKeyStoreId":"cks-1","CustomKeyStoreName":"x"})"),
      "ValidationException");
  EXPECT_EQ(outcome("CreateCustomKeyStore", R"({"CustomKeyStoreName":"x"})"),
            "400 ValidationException: CustomKeyStoreType AWS_CLOUDHSM requires CloudHsmClusterId, "
            "TrustAnchorCertificate and KeyStorePassword.");
  EXPECT_EQ(outcome("CreateCustomKeyStore", "{}"),
            "400 ValidationException: 1 validation error detected: Value null at "
            "'customKeyStoreName' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(outcome("CreateCustomKeyStore",
                    R"({"CustomKeyStoreName":"x","CustomKeyStoreType":"EXTERNAL_KEY_STORE"})"),
            "400 UnsupportedOperationException: External key stores are not supported yet.");
  std::string mixed = kms_.create_store_body("x");
  mixed.pop_back();
  EXPECT_EQ(code("CreateCustomKeyStore", mixed + R"(,"XksProxyConnectivity":"PUBLIC_ENDPOINT"})"),
            "ValidationException");
  const std::string store = create();
  EXPECT_EQ(code("UpdateCustomKeyStore", id(store, R"(,"XksProxyConnectivity":"PUBLIC_ENDPOINT")")),
            "ValidationException");
}

TEST_F(CustomKeyStores, NeverShowThePassword) {
  const std::string store = create();
  kms_.ok("UpdateCustomKeyStore", id(store, R"(,"KeyStorePassword":"another-1")"));
  EXPECT_EQ(kms_.ok("DescribeCustomKeyStores", "{}").body.find("another-1"), std::string::npos);
  ASSERT_TRUE(last_record("UpdateCustomKeyStore").IsObject());
  for (const std::string& line : kms_.audit_lines()) {
    EXPECT_EQ(line.find("another-1"), std::string::npos) << line;
    EXPECT_EQ(line.find(kStorePassword), std::string::npos) << line;
  }
}

TEST_F(CustomKeyStores, AreNamedInTheAuditRecords) {
  const std::string store = create("a name");
  EXPECT_STREQ(
      last_record("CreateCustomKeyStore")["responseElements"]["customKeyStoreId"].GetString(),
      store.c_str());
  kms_.ok("UpdateCustomKeyStore", id(store, R"(,"NewCustomKeyStoreName":"b name")"));
  kms_.ok("ConnectCustomKeyStore", id(store));
  kms_.await_state(store, "CONNECTED");
  // The last record of ConnectCustomKeyStore is one of a call that has nothing to do.
  kms_.ok("ConnectCustomKeyStore", id(store));
  kms_.ok("DisconnectCustomKeyStore", id(store));
  kms_.await_state(store, "DISCONNECTED");
  kms_.ok("DeleteCustomKeyStore", id(store));
  for (const char* operation : {"UpdateCustomKeyStore", "ConnectCustomKeyStore",
                                "DisconnectCustomKeyStore", "DeleteCustomKeyStore"}) {
    const rapidjson::Document record = last_record(operation);
    ASSERT_TRUE(record.IsObject()) << operation;
    const auto& more = record["additionalEventData"];
    EXPECT_STREQ(more["customKeyStoreName"].GetString(), "b name") << operation;
    EXPECT_STREQ(more["clusterId"].GetString(), kCluster) << operation;
    EXPECT_STREQ(record["requestParameters"]["customKeyStoreId"].GetString(), store.c_str());
  }
}

TEST_F(CustomKeyStores, CreatedTwiceAreOne) {
  const std::string store = create();
  EXPECT_EQ(create(), store);
  EXPECT_EQ(kms_.ok("DescribeCustomKeyStores", "{}").json["CustomKeyStores"].Size(), 1U);
}

}  // namespace
}  // namespace kms::test
