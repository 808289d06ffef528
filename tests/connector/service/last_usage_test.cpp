#include <gtest/gtest.h>

#include <string>

#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

class LastUsage : public ServiceTest {
 protected:
  static std::string id(const std::string& key, const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\"" + more + "}";
  }
  static Answer usage(const std::string& key) { return kms().ok("GetKeyLastUsage", id(key)); }
  static std::string encrypt(const std::string& key) {
    return kms().ok("Encrypt", id(key, R"(,"Plaintext":"eA==")")).at("CiphertextBlob");
  }
};

TEST_F(LastUsage, IsAbsentUntilTheKeyIsUsed) {
  const std::string key = kms().create_key();
  kms().ok("DescribeKey", id(key));
  EXPECT_EQ(kms().call("Encrypt", id(key, R"(,"Plaintext":"eA==","DryRun":true)")).at("__type"),
            "DryRunOperationException");
  EXPECT_EQ(kms().call("Decrypt", R"({"CiphertextBlob":"eA=="})").status, 400);
  const Answer answer = usage(key);
  EXPECT_EQ(answer.json.MemberCount(), 3U);
  EXPECT_EQ(answer.at("KeyId"), kms().arn(key));
  const std::string created = kms().ok("DescribeKey", id(key)).at("KeyMetadata.CreationDate");
  EXPECT_EQ(answer.at("TrackingStartDate"), created);
  EXPECT_EQ(answer.at("KeyCreationDate"), created);
}

TEST_F(LastUsage, TellsOperationTimeEventAndRequest) {
  const std::string key = kms().create_key();
  const Answer used = kms().ok("GenerateDataKey", id(key, R"(,"KeySpec":"AES_128")"));
  const Answer answer = usage(key);
  EXPECT_EQ(answer.json["KeyLastUsage"].MemberCount(), 4U);
  EXPECT_EQ(answer.at("KeyLastUsage.Operation"), "GenerateDataKey");
  EXPECT_EQ(answer.at("KeyLastUsage.KmsRequestId"), used.headers.get("x-amzn-RequestId"));
  std::string event_id;
  for (const std::string& line : kms().audit_lines()) {
    rapidjson::Document event;
    event.Parse(line.c_str());
    if (event["requestID"].GetString() == answer.at("KeyLastUsage.KmsRequestId")) {
      event_id = event["eventID"].GetString();
    }
  }
  EXPECT_EQ(answer.at("KeyLastUsage.CloudTrailEventId"), event_id);
  EXPECT_GE(answer.json["KeyLastUsage"]["Timestamp"].GetDouble(),
            answer.json["KeyCreationDate"].GetDouble());
  encrypt(key);
  EXPECT_EQ(usage(key).at("KeyLastUsage.Operation"), "Encrypt");
}

TEST_F(LastUsage, OfBothKeysIsAReEncrypt) {
  const std::string source = kms().create_key();
  const std::string destination = kms().create_key();
  const std::string blob = encrypt(source);
  kms().ok("ReEncrypt",
           "{\"CiphertextBlob\":\"" + blob + "\",\"DestinationKeyId\":\"" + destination + "\"}");
  EXPECT_EQ(usage(source).at("KeyLastUsage.Operation"), "ReEncrypt");
  EXPECT_EQ(usage(destination).at("KeyLastUsage.Operation"), "ReEncrypt");
  EXPECT_EQ(usage(source).at("KeyLastUsage.CloudTrailEventId"),
            usage(destination).at("KeyLastUsage.CloudTrailEventId"));
}

TEST_F(LastUsage, SurvivesARestartAndChangesOfTheKey) {
  const std::string key = kms().create_key();
  encrypt(key);
  const std::string before = usage(key).body;
  kms().restart();
  EXPECT_EQ(usage(key).body, before);
  kms().ok("DisableKey", id(key));
  kms().ok("ScheduleKeyDeletion", id(key));
  EXPECT_EQ(usage(key).body, before);
}

TEST_F(LastUsage, NeverVanishesWhileItIsWritten) {
  const std::string key = kms().create_key();
  for (int i = 0; i < 200; ++i) {
    encrypt(key);
    ASSERT_EQ(usage(key).at("KeyLastUsage.Operation"), "Encrypt") << i;
  }
}

}  // namespace
}  // namespace kms::test
