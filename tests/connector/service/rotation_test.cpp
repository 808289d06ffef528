#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/eventually.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

std::string id(const std::string& key, const std::string& more = "") {
  return "{\"KeyId\":\"" + key + "\"" + more + "}";
}

std::string encrypt(Harness& kms, const std::string& key) {
  return kms.ok("Encrypt", id(key, R"(,"Plaintext":"c2VjcmV0")")).at("CiphertextBlob");
}

/// Plaintext and material of a ciphertext.
std::pair<std::string, std::string> decrypt(Harness& kms, const std::string& blob) {
  const Answer answer = kms.ok("Decrypt", "{\"CiphertextBlob\":\"" + blob + "\"}");
  return {answer.at("Plaintext"), answer.at("KeyMaterialId")};
}

std::string current(Harness& kms, const std::string& key) {
  return kms.ok("DescribeKey", id(key)).at("KeyMetadata.CurrentKeyMaterialId");
}

class Rotation : public ServiceTest {
 protected:
  static std::string outcome(const std::string& operation, const std::string& key,
                             const std::string& more = "") {
    return kms().call(operation, id(key, more)).outcome();
  }
  static Answer status(const std::string& key) { return kms().ok("GetKeyRotationStatus", id(key)); }
};

TEST_F(Rotation, IsOffUntilItIsEnabledAndOffAgain) {
  const std::string key = kms().create_key();
  EXPECT_EQ(status(key).body, "{\"KeyRotationEnabled\":false,\"KeyId\":\"" + key + "\"}");
  const auto before = std::chrono::duration<double>(Harness::now().time_since_epoch()).count();
  EXPECT_EQ(kms().ok("EnableKeyRotation", id(key)).body, "");
  Answer on = status(key);
  EXPECT_EQ(on.json.MemberCount(), 4U);
  EXPECT_EQ(on.at("KeyId"), key);
  EXPECT_EQ(on.at("KeyRotationEnabled"), "true");
  EXPECT_EQ(on.at("RotationPeriodInDays"), "365");
  EXPECT_GE(on.json["NextRotationDate"].GetDouble(), before + 365 * 86400 - 1);
  EXPECT_LT(on.json["NextRotationDate"].GetDouble(), before + 366 * 86400);
  // Enabled again: another period, from now on.
  kms().ok("EnableKeyRotation", id(kms().arn(key), R"(,"RotationPeriodInDays":90)"));
  on = status(key);
  EXPECT_EQ(on.at("RotationPeriodInDays"), "90");
  EXPECT_LT(on.json["NextRotationDate"].GetDouble(), before + 91 * 86400);
  EXPECT_EQ(kms().ok("DisableKeyRotation", id(key)).body, "");
  EXPECT_EQ(status(key).body, "{\"KeyRotationEnabled\":false,\"KeyId\":\"" + key + "\"}");
}

TEST_F(Rotation, RefusesPeriodsAliasesAndAbsentKeys) {
  const std::string key = kms().create_key();
  EXPECT_EQ(outcome("EnableKeyRotation", key, R"(,"RotationPeriodInDays":89)"),
            "400 ValidationException: 1 validation error detected: Value '89' at "
            "'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater "
            "than or equal to 90");
  EXPECT_EQ(outcome("EnableKeyRotation", key, R"(,"RotationPeriodInDays":2561)"),
            "400 ValidationException: 1 validation error detected: Value '2561' at "
            "'rotationPeriodInDays' failed to satisfy constraint: Member must have value less than "
            "or equal to 2560");
  const std::string absent = "1234abcd-12ab-34cd-56ef-1234567890ab";
  for (const char* const operation :
       {"EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus", "RotateKeyOnDemand",
        "ListKeyRotations"}) {
    EXPECT_EQ(outcome(operation, "alias/a"),
              "400 InvalidArnException: Key Aliases are not supported for this operation.")
        << operation;
    EXPECT_EQ(outcome(operation, absent),
              "400 NotFoundException: Key '" + kms().arn(absent) + "' does not exist")
        << operation;
  }
}

TEST_F(Rotation, FollowsTheStateOfTheKey) {
  const std::string key = kms().create_key();
  kms().ok("EnableKeyRotation", id(key));
  kms().ok("DisableKey", id(key));
  for (const char* const operation :
       {"EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"}) {
    EXPECT_EQ(outcome(operation, key), "400 DisabledException: " + kms().arn(key) + " is disabled.")
        << operation;
  }
  EXPECT_EQ(status(key).at("KeyRotationEnabled"), "true");
  kms().ok("ScheduleKeyDeletion", id(key));
  for (const char* const operation :
       {"EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"}) {
    EXPECT_EQ(outcome(operation, key),
              "400 KMSInvalidStateException: " + kms().arn(key) + " is pending deletion.")
        << operation;
  }
  EXPECT_EQ(status(key).body, "{\"KeyRotationEnabled\":false,\"KeyId\":\"" + key + "\"}");
  kms().ok("CancelKeyDeletion", id(key));
  EXPECT_EQ(status(key).at("KeyRotationEnabled"), "true");
}

TEST_F(Rotation, OnDemandOpensOldCiphertextsForEver) {
  const std::string key = kms().create_key();
  std::vector<std::pair<std::string, std::string>> made;  // ciphertext, material
  for (int i = 0; i < 3; ++i) {
    made.emplace_back(encrypt(kms(), key), current(kms(), key));
    EXPECT_EQ(kms().ok("RotateKeyOnDemand", id(key)).body,
              "{\"KeyId\":\"" + kms().arn(key) + "\"}");
  }
  made.emplace_back(encrypt(kms(), key), current(kms(), key));
  const Answer data_key = kms().ok("GenerateDataKey", id(key, R"(,"KeySpec":"AES_256")"));
  EXPECT_EQ(data_key.at("KeyMaterialId"), made.back().second);
  kms().restart();
  for (const auto& [blob, material] : made) {
    EXPECT_EQ(decrypt(kms(), blob), std::pair(std::string("c2VjcmV0"), material));
  }
  EXPECT_EQ(std::set({made[0].second, made[1].second, made[2].second, made[3].second}).size(), 4U);
  const Answer moved = kms().ok("ReEncrypt", "{\"CiphertextBlob\":\"" + made[0].first +
                                                 "\",\"DestinationKeyId\":\"" + key + "\"}");
  EXPECT_EQ(moved.at("SourceKeyMaterialId"), made[0].second);
  EXPECT_EQ(moved.at("DestinationKeyMaterialId"), made[3].second);
  const std::string longer = base64_json(decode_base64(made[0].first) + "12345678");
  EXPECT_EQ(kms().call("Decrypt", "{\"CiphertextBlob\":" + longer + "}").outcome(),
            "400 InvalidCiphertextException: -");
}

TEST_F(Rotation, OnDemandLeavesTheScheduleAndIsListed) {
  const std::string key = kms().create_key();
  const std::string first = current(kms(), key);
  EXPECT_EQ(kms().ok("ListKeyRotations", id(key)).body, R"({"Rotations":[],"Truncated":false})");
  kms().ok("EnableKeyRotation", id(key, R"(,"RotationPeriodInDays":100)"));
  const std::string next = status(key).at("NextRotationDate");
  std::vector<std::string> materials{first};
  for (int i = 0; i < 3; ++i) {
    kms().ok("RotateKeyOnDemand", id(key));
    materials.push_back(current(kms(), key));
  }
  EXPECT_EQ(status(key).at("NextRotationDate"), next);
  EXPECT_EQ(status(key).at("OnDemandRotationStartDate"), "(absent)");

  const Answer rotations = kms().ok("ListKeyRotations", id(key));
  ASSERT_EQ(rotations.json["Rotations"].Size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const std::string entry = "Rotations." + std::to_string(i) + ".";
    EXPECT_EQ(rotations.at(entry + "KeyId"), key);
    EXPECT_EQ(rotations.at(entry + "KeyMaterialId"), materials[static_cast<std::size_t>(i) + 1]);
    EXPECT_EQ(rotations.at(entry + "KeyMaterialState"), i == 2 ? "CURRENT" : "NON_CURRENT");
    EXPECT_EQ(rotations.at(entry + "RotationType"), "ON_DEMAND");
    EXPECT_NE(rotations.at(entry + "RotationDate"), "(absent)");
    EXPECT_EQ(rotations.json["Rotations"][static_cast<unsigned>(i)].MemberCount(), 5U);
  }
  const std::string all = R"(,"IncludeKeyMaterial":"ALL_KEY_MATERIAL")";
  const Answer everything = kms().ok("ListKeyRotations", id(key, all));
  ASSERT_EQ(everything.json["Rotations"].Size(), 4U);
  EXPECT_EQ(everything.at("Rotations.0.KeyMaterialId"), first);
  EXPECT_EQ(everything.at("Rotations.0.KeyMaterialState"), "NON_CURRENT");
  EXPECT_EQ(everything.json["Rotations"][0].MemberCount(), 3U);

  std::vector<std::string> seen;
  std::string marker;
  do {
    const Answer page = kms().ok("ListKeyRotations", id(key, all + R"(,"Limit":3)" + marker));
    for (const auto& entry : page.json["Rotations"].GetArray()) {
      seen.emplace_back(entry["KeyMaterialId"].GetString());
    }
    marker = page.at("Truncated") == "true" ? ",\"Marker\":\"" + page.at("NextMarker") + "\"" : "";
    if (!marker.empty()) {
      EXPECT_EQ(outcome("ListKeyRotations", key, marker),
                "400 InvalidMarkerException: The marker is not valid for this request.");
    }
  } while (!marker.empty());
  EXPECT_EQ(seen, materials);
}

TEST_F(Rotation, OfKeysInACustomKeyStoreIsRefused) {
  const std::string store = kms().connected_store("rotation");
  const std::string key =
      kms().create_key(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}");
  for (const char* const operation :
       {"EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus", "RotateKeyOnDemand",
        "ListKeyRotations"}) {
    EXPECT_EQ(outcome(operation, key),
              "400 UnsupportedOperationException: " + kms().arn(key) +
                  " origin is AWS_CLOUDHSM which is not valid for this operation.")
        << operation;
  }
}

TEST(RotationOnDemand, HasALimitAndIsAudited) {
  Harness kms;
  kms.config().limits.on_demand_rotations_per_key = 2;
  kms.restart();
  const std::string key = kms.create_key();
  kms.ok("RotateKeyOnDemand", id(key));
  kms.ok("RotateKeyOnDemand", id(key));
  kms.restart();
  const std::string last = current(kms, key);
  EXPECT_EQ(kms.call("RotateKeyOnDemand", id(key)).outcome(),
            "400 LimitExceededException: The on-demand rotations limit has been reached for the "
            "given keyId. No more on-demand rotations can be performed for this key: " +
                kms.arn(key));
  EXPECT_EQ(current(kms, key), last);
  kms.stop();
  int requests = 0;
  int events = 0;
  for (const std::string& line : kms.audit_lines()) {
    rapidjson::Document event;
    event.Parse(line.c_str());
    const std::string name = event["eventName"].GetString();
    if (name == "RotateKeyOnDemand" && !event.HasMember("errorCode")) {
      ++requests;
      EXPECT_STREQ(event["responseElements"]["keyId"].GetString(), kms.arn(key).c_str());
    }
    if (name != "RotateKey") continue;
    ++events;
    EXPECT_STREQ(event["eventType"].GetString(), "AwsServiceEvent");
    EXPECT_STREQ(event["serviceEventDetails"]["keyId"].GetString(), key.c_str());
    EXPECT_STREQ(event["serviceEventDetails"]["rotationType"].GetString(), "ON_DEMAND");
    EXPECT_STREQ(event["resources"][0]["ARN"].GetString(), kms.arn(key).c_str());
    EXPECT_STREQ(event["userIdentity"]["invokedBy"].GetString(), "AWS Internal");
  }
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(events, 2);
}

TEST(AutomaticRotation, HappensWhenDueOnEnabledKeysOnly) {
  Harness kms;
  const std::string key = kms.create_key();
  const std::string disabled = kms.create_key();
  const std::string later = kms.create_key();
  for (const std::string& each : {key, disabled}) {
    kms.ok("EnableKeyRotation", id(each, R"(,"RotationPeriodInDays":90)"));
  }
  kms.ok("EnableKeyRotation", id(later, R"(,"RotationPeriodInDays":100)"));
  kms.ok("DisableKey", id(disabled));
  const std::string first = current(kms, key);
  const std::string first_disabled = current(kms, disabled);
  const std::string blob = encrypt(kms, key);
  const double due = kms.ok("GetKeyRotationStatus", id(key)).json["NextRotationDate"].GetDouble();

  // Ten minutes before, an on-demand rotation would meet the automatic one.
  kms.config().clock_offset = std::chrono::hours(90 * 24) - std::chrono::minutes(10);
  kms.restart();
  EXPECT_EQ(kms.call("RotateKeyOnDemand", id(key)).outcome(),
            "400 ConflictException: An automatic rotation of this key is currently in progress or "
            "scheduled to begin within the next 20 minutes.");
  EXPECT_EQ(current(kms, key), first);

  kms.config().clock_offset = std::chrono::hours(91 * 24);
  kms.restart();
  EXPECT_TRUE(eventually([&] { return current(kms, key) != first; }));
  const std::string second = current(kms, key);
  EXPECT_EQ(decrypt(kms, blob), std::pair(std::string("c2VjcmV0"), first));
  EXPECT_EQ(decrypt(kms, encrypt(kms, key)).second, second);
  const Answer listed = kms.ok("ListKeyRotations", id(key));
  ASSERT_EQ(listed.json["Rotations"].Size(), 1U);
  EXPECT_EQ(listed.at("Rotations.0.KeyMaterialId"), second);
  EXPECT_EQ(listed.at("Rotations.0.RotationType"), "AUTOMATIC");
  EXPECT_DOUBLE_EQ(kms.ok("GetKeyRotationStatus", id(key)).json["NextRotationDate"].GetDouble(),
                   due + 90 * 86400);
  EXPECT_EQ(kms.ok("ListKeyRotations", id(later)).json["Rotations"].Size(), 0U);

  // As soon as the key is enabled again, and then a period later.
  EXPECT_EQ(current(kms, disabled), first_disabled);
  kms.ok("EnableKey", id(disabled));
  EXPECT_TRUE(eventually([&] { return current(kms, disabled) != first_disabled; }));
  kms.stop();
  int events = 0;
  for (const std::string& line : kms.audit_lines()) {
    if (line.find("\"RotateKey\"") == std::string::npos) continue;
    ++events;
    EXPECT_THAT(line, testing::HasSubstr("\"rotationType\":\"AUTOMATIC\""));
  }
  EXPECT_EQ(events, 2);
}

/// A Region whose token cannot wrap keys: they are objects in it.
class RotationOfTokenObjects : public testing::Test {
 protected:
  static constexpr unsigned long kKeyWrap = 0x2109;  // CKM_AES_KEY_WRAP and its padded kin
  static constexpr unsigned long kKeyWrapPad = 0x210A;
  static constexpr unsigned long kKeyWrapKwp = 0x210B;

  RotationOfTokenObjects() {
    kms_.stop();
    for (auto& region : kms_.config().regions) region.token.module = KMS_PROXY_MODULE;
    for (auto& cluster : kms_.config().clusters) cluster.token.module = KMS_PROXY_MODULE;
    for (const auto mechanism : {kKeyWrap, kKeyWrapPad, kKeyWrapKwp}) {
      proxy().hide_mechanism(mechanism);
    }
    kms_.start();
  }
  ~RotationOfTokenObjects() override {
    kms_.stop();
    proxy().reset();
    proxy().show_mechanisms();
  }
  RotationOfTokenObjects(const RotationOfTokenObjects&) = delete;
  RotationOfTokenObjects& operator=(const RotationOfTokenObjects&) = delete;
  RotationOfTokenObjects(RotationOfTokenObjects&&) = delete;
  RotationOfTokenObjects& operator=(RotationOfTokenObjects&&) = delete;

  static pkcs11_proxy::Control& proxy() { return pkcs11_proxy::control(KMS_PROXY_MODULE); }
  [[nodiscard]] long objects() { return kms_.hsm().objects(); }

  Harness kms_;
};

TEST_F(RotationOfTokenObjects, OpensOldCiphertexts) {
  const std::string key = kms_.create_key();
  const std::string first = current(kms_, key);
  const std::string blob = encrypt(kms_, key);
  kms_.ok("RotateKeyOnDemand", id(key));
  EXPECT_NE(current(kms_, key), first);
  const std::string second_blob = encrypt(kms_, key);
  kms_.restart();
  EXPECT_EQ(decrypt(kms_, blob), std::pair(std::string("c2VjcmV0"), first));
  EXPECT_EQ(decrypt(kms_, second_blob), std::pair(std::string("c2VjcmV0"), current(kms_, key)));
}

TEST_F(RotationOfTokenObjects, ThatFailsLeavesTheKeyAsItWas) {
  const std::string key = kms_.create_key();
  const std::string first = current(kms_, key);
  proxy().fail("C_GenerateKey", 0x30 /* CKR_DEVICE_ERROR */, 0, 1000);
  EXPECT_THAT(kms_.call("RotateKeyOnDemand", id(key)).outcome(), testing::StartsWith("500 "));
  proxy().reset();
  EXPECT_EQ(current(kms_, key), first);
  const std::string all = R"(,"IncludeKeyMaterial":"ALL_KEY_MATERIAL")";
  EXPECT_EQ(kms_.ok("ListKeyRotations", id(key, all)).json["Rotations"].Size(), 1U);
  EXPECT_EQ(decrypt(kms_, encrypt(kms_, key)).second, first);
  kms_.ok("RotateKeyOnDemand", id(key));
  EXPECT_EQ(kms_.ok("ListKeyRotations", id(key, all)).json["Rotations"].Size(), 2U);
  EXPECT_NE(decrypt(kms_, encrypt(kms_, key)).second, first);
}

TEST_F(RotationOfTokenObjects, ThatCannotBeUndoneIsInTheLog) {
  const std::string key = kms_.create_key();
  const std::string arn = kms_.ok("DescribeKey", id(key)).at("KeyMetadata.Arn");
  testing::internal::CaptureStderr();
  for (const char* function : {"C_GenerateKey", "C_FindObjectsInit"}) {
    proxy().fail(function, 0x07 /* CKR_ARGUMENTS_BAD */, 0, pkcs11_proxy::kForever);
  }
  EXPECT_THAT(kms_.call("RotateKeyOnDemand", id(key)).outcome(), testing::StartsWith("500 "));
  proxy().reset();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("Warning operations: " + arn +
                                 ": unused objects stay in its token for now: "));
}

TEST_F(RotationOfTokenObjects, ThatLostToAnotherChangeLeavesOneObjectInTheEnd) {
  const std::string key = kms_.create_key();
  const long before = objects();
  proxy().hang("C_GenerateKey");
  std::string outcome;
  std::thread rotation([&] { outcome = kms_.call("RotateKeyOnDemand", id(key)).outcome(); });
  EXPECT_TRUE(proxy().wait_until_hanging(1, std::chrono::seconds(60)));
  kms_.ok("UpdateKeyDescription", id(key, R"(,"Description":"another")"));
  proxy().release();
  rotation.join();
  EXPECT_EQ(outcome, "200");
  kms_.restart();
  EXPECT_TRUE(eventually([&] { return objects() == before + 1; })) << objects() - before;
  EXPECT_EQ(kms_.ok("ListKeyRotations", id(key)).json["Rotations"].Size(), 1U);
  EXPECT_EQ(decrypt(kms_, encrypt(kms_, key)).second, current(kms_, key));
}

TEST_F(RotationOfTokenObjects, ManyAtOnceLeaveAnObjectEach) {
  const std::string key = kms_.create_key();
  const long before = objects();
  std::vector<std::string> outcomes(12);
  std::vector<std::thread> threads;
  for (std::string& outcome : outcomes) {
    threads.emplace_back([&] { outcome = kms_.call("RotateKeyOnDemand", id(key)).outcome(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(outcomes, std::vector<std::string>(12, "200"));
  kms_.restart();
  EXPECT_TRUE(eventually([&] { return objects() == before + 12; })) << objects() - before;
}

}  // namespace
}  // namespace kms::test
