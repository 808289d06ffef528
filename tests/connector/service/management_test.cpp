#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>

#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

class Management : public ServiceTest {
 protected:
  static std::string id(const std::string& key, std::string_view more = "") {
    return "{\"KeyId\":\"" + key + "\"" + std::string(more) + "}";
  }
};

TEST_F(Management, CreatesASymmetricKey) {
  const Answer answer =
      kms().ok("CreateKey", R"({"Description":"test key 123","KeyUsage":"ENCRYPT_DECRYPT"})");
  const std::string key = answer.at("KeyMetadata.KeyId");
  EXPECT_EQ(answer.json["KeyMetadata"].MemberCount(), 15U);
  EXPECT_EQ(answer.at("KeyMetadata.AWSAccountId"), kAccount);
  EXPECT_EQ(answer.at("KeyMetadata.Arn"), kms().arn(key));
  EXPECT_EQ(answer.at("KeyMetadata.Enabled"), "true");
  EXPECT_EQ(answer.at("KeyMetadata.Description"), "test key 123");
  EXPECT_EQ(answer.at("KeyMetadata.KeyUsage"), "ENCRYPT_DECRYPT");
  EXPECT_EQ(answer.at("KeyMetadata.KeyState"), "Enabled");
  EXPECT_EQ(answer.at("KeyMetadata.Origin"), "AWS_KMS");
  EXPECT_EQ(answer.at("KeyMetadata.KeyManager"), "CUSTOMER");
  EXPECT_EQ(answer.at("KeyMetadata.CustomerMasterKeySpec"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(answer.at("KeyMetadata.KeySpec"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(answer.at("KeyMetadata.EncryptionAlgorithms"), R"(["SYMMETRIC_DEFAULT"])");
  EXPECT_EQ(answer.at("KeyMetadata.MultiRegion"), "false");
  EXPECT_EQ(answer.at("KeyMetadata.CurrentKeyMaterialId").size(), 64U);
  EXPECT_EQ(kms().ok("DescribeKey", id(key)).body, answer.body);
}

TEST_F(Management, RefusesCreateKeyRequestsInAwsWords) {
  const auto outcome = [](std::string_view body) {
    return kms().call("CreateKey", body).outcome();
  };
  EXPECT_EQ(outcome(R"({"KeySpec":"RSA_2048","CustomerMasterKeySpec":"RSA_2048"})"),
            "400 ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the "
            "same request. "
            "CustomerMasterKeySpec is deprecated.");
  EXPECT_EQ(outcome(R"({"KeySpec":"HMAC_256"})"),
            "400 ValidationException: You must specify a KeyUsage value for all KMS keys except "
            "for symmetric "
            "encryption keys.");
  EXPECT_EQ(
      outcome(R"({"KeySpec":"RSA_2048","KeyUsage":"KEY_AGREEMENT"})"),
      "400 ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048");
  EXPECT_EQ(outcome(R"({"KeySpec":"SM2","KeyUsage":"SIGN_VERIFY"})"),
            "400 UnsupportedOperationException: KeySpec SM2 is not supported in this Region");
  EXPECT_EQ(outcome(R"({"Policy":"{}"})"),
            "400 MalformedPolicyDocumentException: Missing required field Statement");
  EXPECT_EQ(outcome(R"({"Origin":"AWS_CLOUDHSM"})"),
            "400 ValidationException: Origin AWS_CLOUDHSM requires a CustomKeyStoreId.");
  EXPECT_EQ(outcome(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":"cks-00000000000000000"})")
                .substr(0, 37),
            "400 CustomKeyStoreNotFoundException: ");
}

TEST_F(Management, RefusesTagsInAwsWords) {
  const auto outcome = [](const std::string& tags) {
    return kms().call("CreateKey", "{\"Tags\":[" + tags + "]}").outcome();
  };
  const auto tag = [](const std::string& key, const std::string& value) {
    return "{\"TagKey\":\"" + key + "\",\"TagValue\":\"" + value + "\"}";
  };
  EXPECT_EQ(outcome(tag("aws:key1", "value1")),
            "400 TagException: Tags beginning with aws: are reserved");
  EXPECT_EQ(outcome(tag("AWS:key1", "value1")),
            "400 TagException: Tags beginning with aws: are reserved");
  EXPECT_EQ(outcome(tag("a", "1") + "," + tag("a", "2")), "400 TagException: Duplicate tag keys");
  EXPECT_EQ(outcome(tag("a", "1,2")), "400 TagException: Invalid tag");
  EXPECT_EQ(outcome(tag("a€", "1")), "400 TagException: Invalid tag");
  EXPECT_EQ(outcome(tag("a", "😀")), "400 TagException: Invalid tag");
  kms().create_key("{\"Tags\":[" + tag("clé 中/1", "_.:/=+-@") + "]}");
  std::string many = tag("k", "v");
  for (int i = 0; i < 50; ++i) many += "," + tag("k" + std::to_string(i), "v");
  EXPECT_EQ(outcome(many), "400 TagException: Too many tags");
  const std::string long_key(129, 'k');
  EXPECT_EQ(outcome(tag(long_key, "v")),
            "400 ValidationException: 1 validation error detected: Value '" + long_key +
                "' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length "
                "less than or equal "
                "to 128");
}

TEST_F(Management, KeepsTagsInOrderAndRemovesThem) {
  const std::string key = kms().create_key(
      R"({"Tags":[{"TagKey":"tag1","TagValue":"value1"},{"TagKey":"tag2","TagValue":"value2"}]})");
  const Answer listed = kms().ok("ListResourceTags", id(key));
  EXPECT_EQ(
      listed.body,
      R"({"Tags":[{"TagKey":"tag1","TagValue":"value1"},{"TagKey":"tag2","TagValue":"value2"}],"Truncated":false})");
  EXPECT_EQ(kms()
                .ok("TagResource", id(key, R"(,"Tags":[{"TagKey":"tag1","TagValue":"new"},)"
                                           R"({"TagKey":"tag0","TagValue":""}])"))
                .body,
            "");
  const Answer first = kms().ok("ListResourceTags", id(key, R"(,"Limit":2)"));
  EXPECT_EQ(first.at("Tags"),
            R"([{"TagKey":"tag1","TagValue":"new"},{"TagKey":"tag2","TagValue":"value2"}])");
  EXPECT_EQ(first.at("Truncated"), "true");
  const Answer second =
      kms().ok("ListResourceTags", id(key, ",\"Marker\":\"" + first.at("NextMarker") + "\""));
  EXPECT_EQ(second.body, R"({"Tags":[{"TagKey":"tag0","TagValue":""}],"Truncated":false})");
  kms().ok("UntagResource", id(key, R"(,"TagKeys":["tag1","tag2","tag0","never"])"));
  EXPECT_EQ(kms().ok("ListResourceTags", id(key)).body, R"({"Tags":[],"Truncated":false})");
}

TEST_F(Management, ListsEveryTagToWhoeverRemovesThemPageByPage) {
  const std::string key = kms().create_key(
      R"({"Tags":[{"TagKey":"a","TagValue":""},{"TagKey":"b","TagValue":""},)"
      R"({"TagKey":"c","TagValue":""},{"TagKey":"d","TagValue":""},{"TagKey":"e","TagValue":""}]})");
  const Answer first = kms().ok("ListResourceTags", id(key, R"(,"Limit":2)"));
  kms().ok("UntagResource", id(key, R"(,"TagKeys":["a","b"])"));
  const std::string marker = ",\"Limit\":2,\"Marker\":\"" + first.at("NextMarker") + "\"";
  EXPECT_EQ(kms().ok("ListResourceTags", id(key, marker)).at("Tags"),
            R"([{"TagKey":"c","TagValue":""},{"TagKey":"d","TagValue":""}])");
  // The tag to go on with is gone itself: what is left is shown from its beginning.
  kms().ok("UntagResource", id(key, R"(,"TagKeys":["c"])"));
  EXPECT_EQ(kms().ok("ListResourceTags", id(key, marker)).at("Tags"),
            R"([{"TagKey":"d","TagValue":""},{"TagKey":"e","TagValue":""}])");
}

TEST_F(Management, RefusesAMarkerOfAnotherListing) {
  kms().create_key();
  kms().create_key();
  const std::string marker = kms().ok("ListKeys", R"({"Limit":1})").at("NextMarker");
  const std::string refused =
      "400 InvalidMarkerException: The marker is not valid for this request.";
  EXPECT_EQ(kms().call("ListAliases", "{\"Marker\":\"" + marker + "\"}").outcome(), refused);
  EXPECT_EQ(
      kms().call("ListKeys", "{\"Marker\":\"" + marker + "\"}", admin(), "us-west-2").outcome(),
      refused);
  EXPECT_EQ(kms().call("ListKeys", R"({"Marker":"junk"})").outcome(), refused);
}

TEST_F(Management, ListsEveryKeyOnceOverPages) {
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(kms().create_key());
  std::set<std::string> seen;
  std::string marker;
  do {
    const Answer page =
        kms().ok("ListKeys",
                 "{\"Limit\":2" + (marker.empty() ? "" : ",\"Marker\":\"" + marker + "\"") + "}");
    for (const auto& entry : page.json["Keys"].GetArray()) {
      EXPECT_TRUE(seen.insert(entry["KeyId"].GetString()).second);
      EXPECT_EQ(entry["KeyArn"].GetString(), kms().arn(entry["KeyId"].GetString()));
    }
    marker = page.at("Truncated") == "true" ? page.at("NextMarker") : "";
  } while (!marker.empty());
  for (const std::string& key : made) EXPECT_TRUE(seen.contains(key));
}

TEST_F(Management, SchedulesAndCancelsDeletion) {
  const std::string key = kms().create_key();
  const Answer scheduled = kms().ok("ScheduleKeyDeletion", id(key, R"(,"PendingWindowInDays":7)"));
  EXPECT_EQ(scheduled.at("KeyId"), kms().arn(key));
  EXPECT_EQ(scheduled.at("KeyState"), "PendingDeletion");
  EXPECT_EQ(scheduled.at("PendingWindowInDays"), "7");
  const Answer described = kms().ok("DescribeKey", id(key));
  EXPECT_EQ(described.at("KeyMetadata.DeletionDate"), scheduled.at("DeletionDate"));
  EXPECT_EQ(described.at("KeyMetadata.Enabled"), "false");
  EXPECT_EQ(kms().call("ScheduleKeyDeletion", id(key)).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(key) + " is pending deletion.");
  EXPECT_EQ(kms().ok("CancelKeyDeletion", id(key)).body, "{\"KeyId\":\"" + kms().arn(key) + "\"}");
  EXPECT_EQ(kms().ok("DescribeKey", id(key)).at("KeyMetadata.KeyState"), "Disabled");
  EXPECT_EQ(kms().call("CancelKeyDeletion", id(key)).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(key) +
                " is not pending deletion (or pending replica deletion).");
  EXPECT_EQ(kms().call("ScheduleKeyDeletion", id(key, R"(,"PendingWindowInDays":6)")).outcome(),
            "400 ValidationException: PendingWindowInDays must be between 7 and 30");
}

TEST_F(Management, MovesAndDeletesAliases) {
  const std::string one = kms().create_key();
  const std::string other = kms().create_key();
  const std::string alias_arn = "arn:aws:kms:us-east-1:123456789012:alias/moving";
  const auto body = [](const std::string& key) {
    return "{\"AliasName\":\"alias/moving\",\"TargetKeyId\":\"" + key + "\"}";
  };
  EXPECT_EQ(kms().call("UpdateAlias", body(one)).outcome(),
            "400 NotFoundException: Alias " + alias_arn + " is not found.");
  EXPECT_EQ(kms().ok("CreateAlias", body(one)).body, "");
  EXPECT_EQ(kms().call("CreateAlias", body(other)).outcome(),
            "400 AlreadyExistsException: An alias with the name " + alias_arn + " already exists");
  kms().ok("UpdateAlias", body(other));
  const Answer listed = kms().ok("ListAliases", id(other));
  EXPECT_EQ(listed.at("Aliases.0.AliasName"), "alias/moving");
  EXPECT_EQ(listed.at("Aliases.0.AliasArn"), alias_arn);
  EXPECT_EQ(listed.at("Aliases.0.TargetKeyId"), other);
  EXPECT_EQ(kms().ok("ListAliases", id(one)).body, R"({"Aliases":[],"Truncated":false})");
  EXPECT_EQ(kms().ok("DeleteAlias", R"({"AliasName":"alias/moving"})").body, "");
  EXPECT_EQ(kms().call("DeleteAlias", R"({"AliasName":"alias/moving"})").outcome(),
            "400 NotFoundException: Alias " + alias_arn + " is not found.");
  EXPECT_EQ(kms().call("DescribeKey", R"({"KeyId":"alias/moving"})").outcome(),
            "400 NotFoundException: Alias " + alias_arn + " is not found.");
}

TEST_F(Management, RefusesAliasNamesInAwsWords) {
  const std::string key = kms().create_key();
  const auto outcome = [&](const std::string& name, const std::string& target) {
    return kms()
        .call("CreateAlias", "{\"AliasName\":\"" + name + "\",\"TargetKeyId\":\"" + target + "\"}")
        .outcome();
  };
  const std::string prefix =
      "400 ValidationException: Alias must start with the prefix \"alias/\". Please see "
      "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
  EXPECT_EQ(outcome("noprefix", key), prefix);
  EXPECT_EQ(outcome("alias/", key), prefix);
  EXPECT_EQ(outcome("alias/a:b", key),
            "400 ValidationException: alias/a:b contains invalid characters for an alias");
  EXPECT_EQ(outcome("alias/AWS/x", key),
            "400 NotAuthorizedException: The alias name for a customer managed CMK cannot begin "
            "with alias/aws/.");
  EXPECT_EQ(outcome("alias/awesome", key), "200");
  EXPECT_EQ(outcome("alias/y", "alias/awesome"),
            "400 ValidationException: Aliases must refer to keys. Not aliases");
  EXPECT_EQ(outcome("alias/y", "arn:aws:kms:us-east-1:111122223333:key/" + key),
            "400 AccessDeniedException: This operation cannot be called cross account");
}

TEST_F(Management, TellsWhatIsWrongWithTheRequestBeforeWhoMayMakeIt) {
  const auto outcome = [](const char* operation, const char* body) {
    return kms().call(operation, body, alice()).outcome();
  };
  EXPECT_EQ(outcome("ListAliases", R"({"KeyId":"alias/x"})"),
            "400 InvalidArnException: Key Aliases are not supported for this operation.");
  EXPECT_EQ(outcome("ListAliases", R"({"KeyId":"fake"})"),
            "400 NotFoundException: Invalid keyId 'fake'");
  for (const char* operation : {"CreateAlias", "UpdateAlias"}) {
    EXPECT_EQ(outcome(operation, R"({"AliasName":"alias/y","TargetKeyId":"alias/x"})"),
              "400 ValidationException: Aliases must refer to keys. Not aliases");
    EXPECT_EQ(outcome(operation, R"({"AliasName":"alias/y","TargetKeyId":"fake"})"),
              "400 NotFoundException: Invalid keyId 'fake'");
  }
  for (const char* operation : {"RevokeGrant", "ListGrants"}) {
    EXPECT_EQ(outcome(operation, R"({"KeyId":"fake","GrantId":"foo"})"),
              "400 InvalidGrantIdException: Invalid grant ID foo");
  }
  EXPECT_EQ(outcome("PutKeyPolicy", R"({"KeyId":"fake","PolicyName":"mine","Policy":"{}"})"),
            "400 UnsupportedOperationException: Only default policy is supported");
  EXPECT_EQ(outcome("ReplicateKey", R"({"KeyId":"mrk-fake","ReplicaRegion":"eu-west-1",)"
                                    R"("Tags":[{"TagKey":"aws:a","TagValue":""}]})"),
            "400 TagException: Tags beginning with aws: are reserved");
  EXPECT_EQ(outcome("ListRetirableGrants", R"({"RetiringPrincipal":"foo"})"),
            "400 InvalidArnException: ARN does not refer to a valid principal: foo");
  EXPECT_EQ(outcome("CreateKey", R"({"Tags":[{"TagKey":"aws:a","TagValue":""}]})"),
            "400 TagException: Tags beginning with aws: are reserved");
}

TEST_F(Management, RefusesAliasesWhereAKeyIsWanted) {
  for (const char* operation : {"EnableKey", "DisableKey", "ScheduleKeyDeletion",
                                "CancelKeyDeletion", "ListResourceTags"}) {
    EXPECT_EQ(kms().call(operation, R"({"KeyId":"alias/whatever"})").outcome(),
              "400 InvalidArnException: Key Aliases are not supported for this operation.")
        << operation;
  }
}

TEST_F(Management, TellsAnAbsentKeyFromAForeignOne) {
  const std::string absent = "00000000-0000-4000-8000-000000000000";
  EXPECT_EQ(kms().call("DescribeKey", id(absent)).outcome(),
            "400 NotFoundException: Key '" + kms().arn(absent) + "' does not exist");
  const std::string foreign =
      "400 AccessDeniedException: User: arn:aws:iam::111122223333:user/bob is not authorized to "
      "perform: "
      "kms:DescribeKey on this resource because the resource does not exist in this Region, no "
      "resource-based "
      "policies allow access, or a resource-based policy explicitly denies access";
  EXPECT_EQ(kms().call("DescribeKey", id(kms().arn(absent)), bob()).outcome(), foreign);
  EXPECT_EQ(kms().call("DescribeKey", id(kms().arn(kms().create_key())), bob()).outcome(), foreign);
}

TEST_F(Management, DeniesWhoHasNoPolicy) {
  const std::string key = kms().create_key();
  EXPECT_EQ(kms().call("DescribeKey", id(key), alice()).outcome(),
            "400 AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not "
            "authorized to perform: "
            "kms:DescribeKey on resource: " +
                kms().arn(key) +
                " because no identity-based policy allows the kms:DescribeKey action");
  EXPECT_EQ(kms().call("CreateKey", "{}", alice()).outcome(),
            "400 AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not "
            "authorized to perform: "
            "kms:CreateKey on resource: * because no identity-based policy allows the "
            "kms:CreateKey action");
}

TEST_F(Management, AccountsAndRegionsNeverMeet) {
  const std::string key = kms().create_key();
  EXPECT_EQ(kms().call("DescribeKey", id(key), admin(), "us-west-2").outcome(),
            "400 NotFoundException: Key 'arn:aws:kms:us-west-2:123456789012:key/" + key +
                "' does not exist");
  EXPECT_EQ(kms().call("ListKeys", "{}", bob()).at("Keys"), "[]");
  EXPECT_EQ(
      kms().call("DescribeKey", id("arn:aws:kms:us-west-2:123456789012:key/" + key)).outcome(),
      "400 NotFoundException: Invalid arn us-west-2");
}

TEST(KeyDeletion, HappensWhenDueAndTakesTheAliasesAlong) {
  Harness kms;
  const std::string key = kms.create_key();
  const std::string kept = kms.create_key();
  kms.ok("CreateAlias", "{\"AliasName\":\"alias/doomed\",\"TargetKeyId\":\"" + key + "\"}");
  kms.ok("ScheduleKeyDeletion", "{\"KeyId\":\"" + key + R"(","PendingWindowInDays":7})");
  kms.ok("ScheduleKeyDeletion", "{\"KeyId\":\"" + kept + R"(","PendingWindowInDays":30})");
  kms.config().clock_offset = std::chrono::hours(8 * 24);
  kms.restart();
  std::string outcome;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    outcome = kms.call("DescribeKey", "{\"KeyId\":\"" + key + "\"}").outcome();
    std::this_thread::yield();
  } while (outcome == "200" && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(outcome, "400 NotFoundException: Key '" + kms.arn(key) + "' does not exist");
  EXPECT_EQ(kms.ok("ListAliases", "{}").at("Aliases"), "[]");
  EXPECT_EQ(kms.ok("DescribeKey", "{\"KeyId\":\"" + kept + "\"}").at("KeyMetadata.KeyState"),
            "PendingDeletion");
}

TEST(Durability, EverythingIsThereAfterARestart) {
  Harness kms;
  const std::string key =
      kms.create_key(R"({"Description":"kept","Tags":[{"TagKey":"a","TagValue":"1"}]})");
  const std::string blob = kms.ok("Encrypt", "{\"KeyId\":\"" + key + R"(","Plaintext":"c2VjcmV0"})")
                               .at("CiphertextBlob");
  const std::string described = kms.ok("DescribeKey", "{\"KeyId\":\"" + key + "\"}").body;
  kms.restart();
  EXPECT_EQ(kms.ok("DescribeKey", "{\"KeyId\":\"" + key + "\"}").body, described);
  EXPECT_EQ(kms.ok("Decrypt", "{\"CiphertextBlob\":\"" + blob + "\"}").at("Plaintext"), "c2VjcmV0");
  EXPECT_EQ(kms.ok("ListResourceTags", "{\"KeyId\":\"" + key + "\"}").at("Tags"),
            R"([{"TagKey":"a","TagValue":"1"}])");
}

}  // namespace
}  // namespace kms::test
