#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/encodings.h"
#include "connector/keys/ciphertext.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/eventually.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

using testing::HasSubstr;

constexpr const char* kHere = "us-east-1";
constexpr const char* kThere = "us-west-2";
constexpr unsigned long kFunctionFailed = 0x06;
constexpr const char* kMultiRegion = R"({"MultiRegion":true})";

std::string arn_in(const std::string& region, const std::string& id) {
  return "arn:aws:kms:" + region + ":" + kAccount + ":key/" + id;
}

std::string key_body(const std::string& id, const std::string& more = "") {
  return "{\"KeyId\":\"" + id + "\"" + more + "}";
}

std::string replicate_body(const std::string& id, const std::string& region = kThere,
                           const std::string& more = "") {
  return key_body(id, ",\"ReplicaRegion\":\"" + region + "\"" + more);
}

std::string text(const std::string& name, const std::string& value) {
  return ",\"" + name + "\":\"" + value + "\"";
}

/// Calls in a Region and asserts 200.
Answer ok_in(Harness& kms, const std::string& region, std::string_view operation,
             const std::string& body) {
  Answer answer = kms.call(operation, body, admin(), region);
  EXPECT_EQ(answer.outcome(), "200") << operation << " in " << region << ": " << body;
  return answer;
}

std::string create(Harness& kms, const std::string& more = "") {
  return kms.create_key(R"({"MultiRegion":true)" + more + "}");
}

std::string create_replicated(Harness& kms, const std::string& more = "") {
  std::string id = create(kms, more);
  kms.ok("ReplicateKey", replicate_body(id));
  return id;
}

std::string outcome_in(Harness& kms, const std::string& region, std::string_view operation,
                       const std::string& body) {
  return kms.call(operation, body, admin(), region).outcome();
}

std::string encrypt_in(Harness& kms, const std::string& region, const std::string& id,
                       const std::string& more = "") {
  return ok_in(kms, region, "Encrypt", key_body(id, text("Plaintext", "c2VjcmV0") + more))
      .at("CiphertextBlob");
}

std::string plaintext_in(Harness& kms, const std::string& region, const std::string& blob,
                         const std::string& more = "") {
  return ok_in(kms, region, "Decrypt", "{\"CiphertextBlob\":\"" + blob + "\"" + more + "}")
      .at("Plaintext");
}

std::string described(Harness& kms, const std::string& region, const std::string& id,
                      const std::string& path) {
  return ok_in(kms, region, "DescribeKey", key_body(id)).at("KeyMetadata." + path);
}

std::string region_entry(const std::string& region, const std::string& id) {
  return R"({"Arn":")" + arn_in(region, id) + R"(","Region":")" + region + "\"}";
}

std::string configuration(const std::string& type, const std::string& primary,
                          const std::vector<std::string>& replicas, const std::string& id) {
  std::string list;
  for (const std::string& region : replicas) {
    list += (list.empty() ? "" : ",") + region_entry(region, id);
  }
  return R"({"MultiRegionKeyType":")" + type + R"(","PrimaryKey":)" + region_entry(primary, id) +
         ",\"ReplicaKeys\":[" + list + "]}";
}

class MultiRegion : public ServiceTest {};

TEST_F(MultiRegion, PrimariesAreKnownByTheirIds) {
  const Answer created = kms().ok("CreateKey", kMultiRegion);
  const std::string id = created.at("KeyMetadata.KeyId");
  EXPECT_THAT(id, testing::MatchesRegex("mrk-[0-9a-f]{32}"));
  EXPECT_EQ(created.at("KeyMetadata.Arn"), arn_in(kHere, id));
  EXPECT_EQ(created.at("KeyMetadata.MultiRegion"), "true");
  EXPECT_EQ(created.at("KeyMetadata.MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {}, id));
  EXPECT_EQ(kms().call("DescribeKey", key_body(id), admin(), kThere).outcome(),
            "400 NotFoundException: Key '" + arn_in(kThere, id) + "' does not exist");
}

TEST_F(MultiRegion, KeysThatLiveInOneTokenAreRefused) {
  EXPECT_EQ(kms()
                .call("CreateKey", R"({"MultiRegion":true,"KeySpec":"ECC_NIST_EDWARDS25519",)"
                                   R"("KeyUsage":"SIGN_VERIFY"})")
                .outcome(),
            "400 UnsupportedOperationException: KeySpec ECC_NIST_EDWARDS25519 is not supported for "
            "multi-Region keys in this Region");
  const std::string store = kms().connected_store("multi-region");
  EXPECT_EQ(kms()
                .call("CreateKey", R"({"MultiRegion":true,"Origin":"AWS_CLOUDHSM",)"
                                   R"("CustomKeyStoreId":")" +
                                       store + "\"}")
                .outcome(),
            "400 UnsupportedOperationException: Multi-Region keys are not supported in a custom "
            "key store.");
}

TEST_F(MultiRegion, ReplicateKeyAnswersAsRecorded) {
  const std::string id = create(kms(), R"(,"Description":"test replicated key")");
  const Answer answer = kms().ok("ReplicateKey", replicate_body(arn_in(kHere, id)));
  EXPECT_EQ(answer.json.MemberCount(), 2U);
  EXPECT_EQ(answer.json["ReplicaKeyMetadata"].MemberCount(), 15U);
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.KeyId"), id);
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.Arn"), arn_in(kThere, id));
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.KeyState"), "Creating");
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.Enabled"), "false");
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.Description"), "");
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.CurrentKeyMaterialId"), "(absent)");
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.MultiRegionConfiguration"),
            configuration("REPLICA", kHere, {kThere}, id));
  EXPECT_EQ(answer.at("ReplicaPolicy"), R"({
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::123456789012:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
})");
  EXPECT_EQ(described(kms(), kHere, id, "MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {kThere}, id));
  EXPECT_EQ(described(kms(), kHere, id, "Description"), "test replicated key");
  EXPECT_EQ(described(kms(), kThere, id, "MultiRegionConfiguration"),
            configuration("REPLICA", kHere, {kThere}, id));
  EXPECT_EQ(described(kms(), kThere, id, "KeyState"), "Enabled");
  EXPECT_EQ(described(kms(), kThere, id, "CurrentKeyMaterialId"),
            described(kms(), kHere, id, "CurrentKeyMaterialId"));
}

TEST_F(MultiRegion, ReplicateKeyRefusesInAwsWords) {
  const auto refused = [](const std::string& body, const std::string& region = kHere) {
    return outcome_in(kms(), region, "ReplicateKey", body);
  };
  const std::string single = kms().create_key();
  EXPECT_EQ(refused(replicate_body(single)),
            "400 UnsupportedOperationException: " + arn_in(kHere, single) +
                " is not a multi-region key.");
  const std::string id = create_replicated(kms());
  EXPECT_EQ(refused(replicate_body(id, kHere), kThere),
            "400 UnsupportedOperationException: " + arn_in(kThere, id) +
                " is not a multi-region primary key.");
  EXPECT_EQ(refused(replicate_body(id, kHere)),
            "400 UnsupportedOperationException: us-east-1 cannot have a replica because it "
            "contains the primary.");
  EXPECT_EQ(refused(replicate_body(id, "cn-north-1")),
            "400 UnsupportedOperationException: The replica key Region must be in the same AWS "
            "partition as the primary key Region.");
  EXPECT_EQ(refused(replicate_body(id, "eu-north-1")),
            "400 UnsupportedOperationException: The Region eu-north-1 is not served here.");
  EXPECT_EQ(refused(replicate_body(id)),
            "400 AlreadyExistsException: You can create only one replica of each primary key in "
            "each AWS Region.");
  EXPECT_EQ(refused(replicate_body("alias/a")),
            "400 InvalidArnException: Key Aliases are not supported for this operation.");

  const std::string other = create(kms());
  EXPECT_EQ(refused(replicate_body(other, kThere, text("Policy", "{}"))),
            "400 MalformedPolicyDocumentException: Missing required field Statement");
  EXPECT_EQ(
      refused(replicate_body(other, kThere, R"(,"Tags":[{"TagKey":"aws:a","TagValue":"b"}])")),
      "400 TagException: Tags beginning with aws: are reserved");
  EXPECT_THAT(kms().call("ReplicateKey", replicate_body(other), alice()).outcome(),
              HasSubstr("is not authorized to perform: kms:ReplicateKey on resource: " +
                        arn_in(kHere, other)));
  kms().ok("DisableKey", key_body(other));
  EXPECT_EQ(refused(replicate_body(other)),
            "400 DisabledException: " + arn_in(kHere, other) + " is disabled.");
  kms().ok("ScheduleKeyDeletion", key_body(other));
  EXPECT_EQ(refused(replicate_body(other)),
            "400 KMSInvalidStateException: " + arn_in(kHere, other) + " is pending deletion.");
  EXPECT_EQ(described(kms(), kHere, other, "MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {}, other));
}

TEST_F(MultiRegion, CiphertextsOpenInEveryRegion) {
  const std::string id = create(kms());
  const std::string context = R"(,"EncryptionContext":{"purpose":"test"})";
  const std::string before = encrypt_in(kms(), kHere, id, context);
  kms().ok("ReplicateKey", replicate_body(id));
  const std::string after = encrypt_in(kms(), kHere, id, context);
  const std::string replicas = encrypt_in(kms(), kThere, id, context);
  for (const std::string& blob : {before, after, replicas}) {
    for (const char* const region : {kHere, kThere}) {
      EXPECT_EQ(plaintext_in(kms(), region, blob, context), "c2VjcmV0");
      EXPECT_EQ(plaintext_in(kms(), region, blob, context + text("KeyId", arn_in(region, id))),
                "c2VjcmV0");
      EXPECT_EQ(outcome_in(kms(), region, "Decrypt", "{\"CiphertextBlob\":\"" + blob + "\"}"),
                "400 InvalidCiphertextException: -");
    }
  }
  const Answer data_key =
      ok_in(kms(), kThere, "GenerateDataKey", key_body(id, R"(,"KeySpec":"AES_256")"));
  EXPECT_EQ(plaintext_in(kms(), kHere, data_key.at("CiphertextBlob")), data_key.at("Plaintext"));
  EXPECT_EQ(data_key.at("KeyMaterialId"), described(kms(), kHere, id, "CurrentKeyMaterialId"));
}

TEST_F(MultiRegion, HmacKeysAgree) {
  const std::string id =
      create_replicated(kms(), R"(,"KeySpec":"HMAC_384","KeyUsage":"GENERATE_VERIFY_MAC")");
  const std::string body = text("Message", "bWVzc2FnZQ==") + text("MacAlgorithm", "HMAC_SHA_384");
  const std::string mac = ok_in(kms(), kHere, "GenerateMac", key_body(id, body)).at("Mac");
  EXPECT_EQ(ok_in(kms(), kThere, "GenerateMac", key_body(id, body)).at("Mac"), mac);
  ok_in(kms(), kThere, "VerifyMac", key_body(id, body + text("Mac", mac)));
}

TEST_F(MultiRegion, KeyPairsAreTheSameInEveryRegion) {
  for (const auto& [spec, algorithm] : std::map<std::string, std::string>{
           {"RSA_2048", "RSASSA_PSS_SHA_256"}, {"ECC_NIST_P384", "ECDSA_SHA_384"}}) {
    const std::string id =
        create_replicated(kms(), text("KeySpec", spec) + text("KeyUsage", "SIGN_VERIFY"));
    EXPECT_EQ(ok_in(kms(), kThere, "GetPublicKey", key_body(id)).at("PublicKey"),
              kms().ok("GetPublicKey", key_body(id)).at("PublicKey"));
    const std::string body = text("Message", "bWVzc2FnZQ==") + text("SigningAlgorithm", algorithm);
    for (const auto& [signer, verifier] : {std::pair{kHere, kThere}, std::pair{kThere, kHere}}) {
      const std::string signature =
          ok_in(kms(), signer, "Sign", key_body(id, body)).at("Signature");
      ok_in(kms(), verifier, "Verify", key_body(id, body + text("Signature", signature)));
    }
  }
  const std::string id =
      create_replicated(kms(), text("KeySpec", "RSA_2048") + text("KeyUsage", "ENCRYPT_DECRYPT"));
  const std::string algorithm = text("EncryptionAlgorithm", "RSAES_OAEP_SHA_256");
  const std::string blob = encrypt_in(kms(), kHere, id, algorithm);
  EXPECT_EQ(plaintext_in(kms(), kThere, blob, text("KeyId", id) + algorithm), "c2VjcmV0");
}

TEST_F(MultiRegion, EachKeyHasItsOwnTagsDescriptionAndState) {
  const std::string id =
      create(kms(), R"(,"Description":"first","Tags":[{"TagKey":"k","TagValue":"1"}])");
  const Answer answer =
      kms().ok("ReplicateKey", replicate_body(id, kThere,
                                              R"(,"Description":"second","Tags":[{"TagKey":"k",)"
                                              R"("TagValue":"2"}])"));
  EXPECT_EQ(answer.at("ReplicaTags"), R"([{"TagKey":"k","TagValue":"2"}])");
  EXPECT_EQ(answer.at("ReplicaKeyMetadata.Description"), "second");
  EXPECT_EQ(kms().ok("ListResourceTags", key_body(id)).at("Tags.0.TagValue"), "1");
  EXPECT_EQ(ok_in(kms(), kThere, "ListResourceTags", key_body(id)).at("Tags.0.TagValue"), "2");
  kms().ok("DisableKey", key_body(id));
  EXPECT_EQ(described(kms(), kThere, id, "KeyState"), "Enabled");
  encrypt_in(kms(), kThere, id);
  EXPECT_EQ(described(kms(), kHere, id, "Description"), "first");
}

TEST_F(MultiRegion, ThePrimaryMoves) {
  const std::string id = create_replicated(kms());
  const std::string blob = encrypt_in(kms(), kHere, id);
  const auto update = [&](const std::string& key, const std::string& region, const char* in) {
    return outcome_in(kms(), in, "UpdatePrimaryRegion",
                      key_body(key, text("PrimaryRegion", region)));
  };
  const std::string single = kms().create_key();
  EXPECT_EQ(update(single, kThere, kHere),
            "400 UnsupportedOperationException: " + arn_in(kHere, single) +
                " is not a multi-region key.");
  EXPECT_EQ(update(id, kHere, kThere), "400 UnsupportedOperationException: " + arn_in(kThere, id) +
                                           " is not a multi-region primary key.");
  EXPECT_EQ(update(id, "eu-north-1", kHere),
            "400 NotFoundException: Key '" + arn_in("eu-north-1", id) + "' does not exist");
  EXPECT_EQ(update(id, kHere, kHere),
            "400 UnsupportedOperationException: us-east-1 cannot become the primary Region because "
            "it contains the primary.");
  ok_in(kms(), kThere, "DisableKey", key_body(id));
  EXPECT_EQ(update(id, kThere, kHere),
            "400 DisabledException: " + arn_in(kThere, id) + " is disabled.");
  ok_in(kms(), kThere, "EnableKey", key_body(id));

  EXPECT_EQ(update(id, kThere, kHere), "200");
  EXPECT_EQ(described(kms(), kHere, id, "MultiRegionConfiguration"),
            configuration("REPLICA", kThere, {kHere}, id));
  EXPECT_EQ(described(kms(), kThere, id, "MultiRegionConfiguration"),
            configuration("PRIMARY", kThere, {kHere}, id));
  EXPECT_EQ(plaintext_in(kms(), kThere, blob), "c2VjcmV0");
  EXPECT_EQ(update(id, kHere, kThere), "200");
  EXPECT_EQ(described(kms(), kHere, id, "MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {kThere}, id));
}

TEST_F(MultiRegion, RotationReachesTheReplica) {
  const std::string id = create_replicated(kms());
  const std::string first = described(kms(), kHere, id, "CurrentKeyMaterialId");
  const std::string old = encrypt_in(kms(), kThere, id);
  kms().ok("RotateKeyOnDemand", key_body(id));
  const std::string second = described(kms(), kHere, id, "CurrentKeyMaterialId");
  EXPECT_NE(second, first);
  EXPECT_EQ(described(kms(), kThere, id, "CurrentKeyMaterialId"), second);
  const std::string fresh = encrypt_in(kms(), kThere, id);
  for (const char* const region : {kHere, kThere}) {
    EXPECT_EQ(plaintext_in(kms(), region, old), "c2VjcmV0");
    EXPECT_EQ(plaintext_in(kms(), region, fresh), "c2VjcmV0");
  }
  kms().ok("EnableKeyRotation", key_body(id, R"(,"RotationPeriodInDays":100)"));
  EXPECT_EQ(ok_in(kms(), kThere, "GetKeyRotationStatus", key_body(id)).at("RotationPeriodInDays"),
            "100");
  EXPECT_EQ(outcome_in(kms(), kThere, "DisableKeyRotation", key_body(id)),
            "400 UnsupportedOperationException: " + arn_in(kThere, id) +
                " is not a multi-region primary key.");
  kms().ok("DisableKeyRotation", key_body(id));
  EXPECT_EQ(ok_in(kms(), kThere, "GetKeyRotationStatus", key_body(id)).at("KeyRotationEnabled"),
            "false");
}

TEST_F(MultiRegion, EventsAppearInBothRegions) {
  const std::string id = create_replicated(kms());
  kms().ok("RotateKeyOnDemand", key_body(id));
  kms().ok("UpdatePrimaryRegion", key_body(id, text("PrimaryRegion", kThere)));
  const auto count = [&](const std::string& event, const char* region, const std::string& part) {
    int found = 0;
    for (const std::string& line : kms().audit_lines()) {
      rapidjson::Document read;
      read.Parse(line.c_str());
      found += read["eventName"].GetString() == event &&
               std::string_view(read["awsRegion"].GetString()) == region &&
               line.find(arn_in(region, id)) != std::string::npos &&
               line.find(part) != std::string::npos;
    }
    return found;
  };
  ASSERT_TRUE(eventually([&] { return count("UpdatePrimaryRegion", kThere, "") == 1; }));
  EXPECT_EQ(count("ReplicateKey", kHere,
                  R"("requestParameters":{"keyId":")" + id +
                      R"(","replicaRegion":"us-west-2","bypassPolicyLockoutSafetyCheck":false,)"
                      R"("description":""})"),
            1);
  EXPECT_EQ(count("CreateKey", kThere,
                  R"("requestParameters":{"description":"","keyUsage":"ENCRYPT_DECRYPT",)"
                  R"("customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT",)"
                  R"("origin":"AWS_KMS","bypassPolicyLockoutSafetyCheck":false,)"
                  R"("multiRegion":true})"),
            1);
  EXPECT_EQ(count("SynchronizeMultiRegionKey", kThere,
                  R"("serviceEventDetails":{"keyId":")" + id + "\"}"),
            1);
  EXPECT_EQ(count("UpdatePrimaryRegion", kHere, R"("primaryRegion":"us-west-2")"), 1);
}

TEST(MultiRegionDeletion, OfAPrimaryWaitsForItsReplicas) {
  Harness kms;
  const std::string id = create_replicated(kms);
  const Answer scheduled =
      kms.ok("ScheduleKeyDeletion", key_body(id, R"(,"PendingWindowInDays":8)"));
  EXPECT_EQ(scheduled.at("KeyState"), "PendingReplicaDeletion");
  EXPECT_EQ(scheduled.at("PendingWindowInDays"), "8");
  EXPECT_EQ(scheduled.at("DeletionDate"), "(absent)");
  EXPECT_EQ(described(kms, kHere, id, "PendingDeletionWindowInDays"), "8");
  EXPECT_EQ(described(kms, kHere, id, "DeletionDate"), "(absent)");
  kms.ok("CancelKeyDeletion", key_body(id));
  EXPECT_EQ(described(kms, kHere, id, "KeyState"), "Disabled");
  EXPECT_EQ(described(kms, kHere, id, "PendingDeletionWindowInDays"), "(absent)");
  kms.ok("ScheduleKeyDeletion", key_body(id, R"(,"PendingWindowInDays":8)"));

  const Answer replica =
      ok_in(kms, kThere, "ScheduleKeyDeletion", key_body(id, R"(,"PendingWindowInDays":7)"));
  EXPECT_EQ(replica.at("KeyState"), "PendingDeletion");
  kms.config().clock_offset = std::chrono::hours(24 * 7 + 1);
  kms.restart();
  ASSERT_TRUE(
      eventually([&] { return described(kms, kHere, id, "KeyState") == "PendingDeletion"; }));
  EXPECT_EQ(outcome_in(kms, kThere, "DescribeKey", key_body(id)),
            "400 NotFoundException: Key '" + arn_in(kThere, id) + "' does not exist");
  EXPECT_EQ(described(kms, kHere, id, "MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {}, id));
  EXPECT_NE(described(kms, kHere, id, "DeletionDate"), "(absent)");
  EXPECT_EQ(described(kms, kHere, id, "PendingDeletionWindowInDays"), "(absent)");

  // Where a replica is gone, another may come.
  kms.ok("CancelKeyDeletion", key_body(id));
  kms.ok("EnableKey", key_body(id));
  const std::string blob = encrypt_in(kms, kHere, id);
  ASSERT_TRUE(eventually(
      [&] { return outcome_in(kms, kHere, "ReplicateKey", replicate_body(id)) == "200"; }));
  EXPECT_EQ(plaintext_in(kms, kThere, blob), "c2VjcmV0");
}

/// Three Regions, behind the module that injects faults.
class MultiRegionFaults : public testing::Test {
 protected:
  static constexpr const char* kThird = "eu-west-1";

  MultiRegionFaults() {
    kms_.stop();
    kms_.hsm().add_token(kThird);
    config::Region third;
    third.name = kThird;
    third.token.selector.label = kThird;
    third.token.sessions = 8;
    third.pin = SecretBytes::copy_of(SoftHsm::kUserPin);
    kms_.config().regions.push_back(std::move(third));
    for (config::Region& region : kms_.config().regions) {
      region.token.module = SoftHsm::proxy_path();
    }
    // A sixteenth of it for each Region.
    kms_.config().limits.invocations_per_generation = 32;
    kms_.start();
  }
  ~MultiRegionFaults() override { proxy().reset(); }

  static pkcs11_proxy::Control& proxy() { return pkcs11_proxy::control(SoftHsm::proxy_path()); }

  Harness kms_;
};

TEST_F(MultiRegionFaults, LeaveNothingHalfDone) {
  const std::string id = create(kms_);
  kms_.ok("ReplicateKey", replicate_body(id));
  const std::string blob = encrypt_in(kms_, kHere, id);
  const std::string material = described(kms_, kHere, id, "CurrentKeyMaterialId");
  const auto unchanged = [&] {
    EXPECT_EQ(outcome_in(kms_, kThird, "DescribeKey", key_body(id)),
              "400 NotFoundException: Key '" + arn_in(kThird, id) + "' does not exist");
    EXPECT_EQ(described(kms_, kHere, id, "MultiRegionConfiguration"),
              configuration("PRIMARY", kHere, {kThere}, id));
    for (const char* const region : {kHere, kThere}) {
      EXPECT_EQ(described(kms_, region, id, "CurrentKeyMaterialId"), material);
      EXPECT_EQ(plaintext_in(kms_, region, blob), "c2VjcmV0");
    }
  };
  for (const char* const function : {"C_GenerateKey", "C_WrapKey", "C_UnwrapKey"}) {
    proxy().fail(function, kFunctionFailed, 1, pkcs11_proxy::kForever);
    EXPECT_THAT(kms_.call("ReplicateKey", replicate_body(id, kThird)).outcome(),
                testing::StartsWith("500 "))
        << function;
    EXPECT_THAT(kms_.call("RotateKeyOnDemand", key_body(id)).outcome(), testing::StartsWith("500 "))
        << function;
    proxy().clear_failures();
    unchanged();
  }
  kms_.ok("ReplicateKey", replicate_body(id, kThird));
  for (const char* const region : {kHere, kThere, kThird}) {
    EXPECT_EQ(plaintext_in(kms_, region, blob), "c2VjcmV0");
    EXPECT_EQ(described(kms_, region, id, "MultiRegionConfiguration.ReplicaKeys"),
              "[" + region_entry(kThere, id) + "," + region_entry(kThird, id) + "]");
  }
  kms_.ok("UpdatePrimaryRegion", key_body(id, text("PrimaryRegion", kThird)));
  for (const char* const region : {kHere, kThere}) {
    EXPECT_EQ(described(kms_, region, id, "MultiRegionConfiguration"),
              configuration("REPLICA", kThird, {kThere, kHere}, id));
  }
}

TEST_F(MultiRegionFaults, AnAbsentDestinationGetsNoReplica) {
  kms_.config().limits.request_deadline = std::chrono::seconds{5};
  kms_.config().limits.key_generation_deadline = std::chrono::seconds{5};
  kms_.restart();
  const std::string id = create(kms_);
  const std::string blob = encrypt_in(kms_, kHere, id);
  proxy().absent_until_restored(kThird);
  EXPECT_THAT(kms_.call("ReplicateKey", replicate_body(id, kThird)).outcome(),
              testing::StartsWith("50"));
  EXPECT_EQ(described(kms_, kHere, id, "MultiRegionConfiguration"),
            configuration("PRIMARY", kHere, {}, id));
  EXPECT_EQ(plaintext_in(kms_, kHere, blob), "c2VjcmV0");
  proxy().restore();
  ASSERT_TRUE(eventually([&] {
    return outcome_in(kms_, kHere, "ReplicateKey", replicate_body(id, kThird)) == "200";
  }));
  EXPECT_EQ(plaintext_in(kms_, kThird, blob), "c2VjcmV0");
}

TEST_F(MultiRegionFaults, TheQuotaOfTheReplicasRegionCounts) {
  kms_.config().limits.keys_per_account = 1;
  kms_.restart();
  const std::string id = create(kms_);
  ok_in(kms_, kThere, "CreateKey", "{}");
  EXPECT_EQ(kms_.call("ReplicateKey", replicate_body(id)).outcome(),
            "400 LimitExceededException: The number of KMS keys in this account and Region is at "
            "its limit.");
  EXPECT_EQ(kms_.call("ReplicateKey", replicate_body(id, kThird)).outcome(), "200");
}

TEST_F(MultiRegionFaults, RequestsCountInTheOtherRegionToo) {
  // One in twenty seconds.
  kms_.config().limits.request_rates = 1;
  kms_.restart();
  const std::string id = create(kms_);
  const std::string throttled =
      "400 ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the "
      "frequency of your calls.";
  kms_.ok("ReplicateKey", replicate_body(id));
  EXPECT_EQ(outcome_in(kms_, kThere, "CreateKey", "{}"), throttled);
  EXPECT_EQ(outcome_in(kms_, kThird, "CreateKey", "{}"), "200");
  kms_.ok("UpdatePrimaryRegion", key_body(id, text("PrimaryRegion", kThere)));
  EXPECT_EQ(
      outcome_in(kms_, kThere, "UpdatePrimaryRegion", key_body(id, text("PrimaryRegion", kHere))),
      throttled);
}

TEST_F(MultiRegionFaults, EachRegionUsesItsShareOfAGeneration) {
  const std::string id = create(kms_);
  kms_.ok("ReplicateKey", replicate_body(id));
  std::map<std::pair<std::string, std::uint32_t>, int> uses;
  std::vector<std::string> blobs;
  for (int round = 0; round < 5; ++round) {
    for (const char* const region : {kHere, kThere}) {
      blobs.push_back(encrypt_in(kms_, region, id));
      const auto parsed = keys::parse_ciphertext(*from_base64(blobs.back()));
      ASSERT_TRUE(parsed);
      ++uses[{region, parsed->header.generation}];
    }
  }
  EXPECT_GE(uses.size(), 6U);
  for (const auto& [where, times] : uses) EXPECT_LE(times, 2) << where.first << where.second;
  for (const std::string& blob : blobs) {
    for (const char* const region : {kHere, kThere}) {
      EXPECT_EQ(plaintext_in(kms_, region, blob), "c2VjcmV0");
    }
  }
}

}  // namespace
}  // namespace kms::test
