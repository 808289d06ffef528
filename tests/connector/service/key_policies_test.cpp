#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "connector/base/encodings.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

constexpr const char* kAlice = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kBob = "arn:aws:iam::111122223333:user/bob";

/// A statement as policies write it.
std::string statement(const std::string& effect, const std::string& principal,
                      const std::string& action, const std::string& more = "") {
  return R"({"Effect":")" + effect + R"(","Principal":{"AWS":")" + principal + R"("},"Action":")" +
         action + R"(","Resource":"*")" + more + "}";
}

std::string delegation() { return statement("Allow", "arn:aws:iam::123456789012:root", "kms:*"); }

/// A document of these statements.
std::string document(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}

class KeyPolicies : public ServiceTest {
 protected:
  static std::string key_body(const std::string& key, const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\"" + more + "}";
  }
  static std::string policy_body(const std::string& key, const std::string& policy,
                                 const std::string& more = "") {
    return key_body(key, ",\"Policy\":" + json_string(policy) + more);
  }
  static std::string put(const std::string& key, const std::string& policy,
                         const std::string& more = "") {
    return kms().call("PutKeyPolicy", policy_body(key, policy, more)).outcome();
  }
  static std::string get(const std::string& key) {
    return kms().ok("GetKeyPolicy", key_body(key)).at("Policy");
  }
  static std::string encrypt(const std::string& key, const Credentials& caller,
                             const std::string& more = "") {
    return kms().call("Encrypt", key_body(key, R"(,"Plaintext":"eA==")" + more), caller).outcome();
  }
  /// The refusal of an action of a caller of the key's account.
  static std::string denied(const std::string& caller, const std::string& action,
                            const std::string& key, const std::string& reason) {
    return "400 AccessDeniedException: User: " + caller +
           " is not authorized to perform: " + action + " on resource: " + kms().arn(key) + " " +
           reason;
  }
  static std::string foreign(const std::string& caller, const std::string& action) {
    return "400 AccessDeniedException: User: " + caller +
           " is not authorized to perform: " + action +
           " on this resource because the resource does not exist in this Region, no "
           "resource-based "
           "policies allow access, or a resource-based policy explicitly denies access";
  }
};

TEST_F(KeyPolicies, DefaultOneDelegatesToTheAccount) {
  const std::string key = kms().create_key();
  EXPECT_EQ(
      get(key),
      "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
      "    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n"
      "    \"Principal\" : {\n      \"AWS\" : \"arn:aws:iam::123456789012:root\"\n    },\n"
      "    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}");
  EXPECT_EQ(kms().ok("GetKeyPolicy", key_body(key)).at("PolicyName"), "default");
  EXPECT_EQ(kms().ok("ListKeyPolicies", key_body(key)).body,
            R"({"PolicyNames":["default"],"Truncated":false})");
}

TEST_F(KeyPolicies, HaveOneNameOnly) {
  const std::string key = kms().create_key();
  EXPECT_EQ(kms().call("GetKeyPolicy", key_body(key, R"(,"PolicyName":"other")")).outcome(),
            "400 NotFoundException: No such policy exists");
  EXPECT_EQ(put(key, document(delegation()), R"(,"PolicyName":"other")"),
            "400 UnsupportedOperationException: Only default policy is supported");
  EXPECT_EQ(kms().call("ListKeyPolicies", key_body(key, R"(,"Marker":"x")")).outcome(),
            "400 ValidationException: The marker is not valid.");
}

TEST_F(KeyPolicies, ArePrintedAgain) {
  const std::string key = kms().create_key();
  EXPECT_EQ(
      put(key,
          R"({"Statement":{"Resource":["*"],"Action":["kms:*"],"Principal":"*","Effect":"Allow"}})"),
      "200");
  EXPECT_EQ(get(key),
            "{\n  \"Statement\" : [ {\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
            "      \"AWS\" : \"*\"\n    },\n    \"Action\" : \"kms:*\",\n    \"Resource\" : "
            "\"*\"\n  } ]\n}");
}

TEST_F(KeyPolicies, ShowAnAccountByTheArnOfItsRoot) {
  const std::string key = kms().create_key();
  EXPECT_EQ(put(key, document(statement("Allow", "123456789012", "kms:*"))), "200");
  EXPECT_THAT(get(key), testing::HasSubstr(R"("AWS" : "arn:aws:iam::123456789012:root")"));
  EXPECT_EQ(encrypt(key, admin()), "200");
}

TEST_F(KeyPolicies, AllowAPrincipalByItself) {
  const std::string key = kms().create_key();
  EXPECT_EQ(encrypt(key, alice()),
            denied(kAlice, "kms:Encrypt", key,
                   "because no identity-based policy allows the kms:Encrypt action"));
  EXPECT_EQ(put(key, document(delegation() + "," + statement("Allow", kAlice, "kms:Encrypt"))),
            "200");
  EXPECT_EQ(encrypt(key, alice()), "200");
  EXPECT_EQ(kms().call("DescribeKey", key_body(key), alice()).outcome(),
            denied(kAlice, "kms:DescribeKey", key,
                   "because no identity-based policy allows the kms:DescribeKey action"));
}

TEST_F(KeyPolicies, AreTheRootOfTrust) {
  const std::string key = kms().create_key();
  EXPECT_EQ(put(key, document(statement("Allow", "arn:aws:iam::123456789012:user/admin",
                                        "kms:PutKeyPolicy"))),
            "200");
  EXPECT_EQ(encrypt(key, admin()),
            denied("arn:aws:iam::123456789012:user/admin", "kms:Encrypt", key,
                   "because no resource-based policy allows the kms:Encrypt action"));
}

TEST_F(KeyPolicies, DenyWhatOthersAllow) {
  const std::string key = kms().create_key();
  const std::string denial = statement("Deny", kAlice, "kms:Encrypt");
  EXPECT_EQ(
      put(key, document(delegation() + "," + statement("Allow", kAlice, "kms:*") + "," + denial)),
      "200");
  kms().ok("CreateGrant", key_body(key, R"(,"GranteePrincipal":")" + std::string(kAlice) +
                                            R"(","Operations":["Encrypt"])"));
  EXPECT_EQ(encrypt(key, alice()),
            denied(kAlice, "kms:Encrypt", key, "with an explicit deny in a resource-based policy"));
}

TEST_F(KeyPolicies, LookAtConditions) {
  const std::string key = kms().create_key();
  EXPECT_EQ(
      put(key,
          document(
              delegation() + "," +
              statement("Allow", kAlice, "kms:Encrypt",
                        R"(,"Condition":{"StringEquals":{"kms:EncryptionContext:team":"a"}})") +
              "," +
              statement("Allow", kAlice, "kms:GenerateMac",
                        R"(,"Condition":{"StringEquals":{"kms:MacAlgorithm":"HMAC_SHA_256"}})"))),
      "200");
  EXPECT_EQ(encrypt(key, alice(), R"(,"EncryptionContext":{"team":"a"})"), "200");
  EXPECT_EQ(encrypt(key, alice(), R"(,"EncryptionContext":{"team":"b"})"),
            denied(kAlice, "kms:Encrypt", key,
                   "because no identity-based policy allows the kms:Encrypt action"));
}

TEST_F(KeyPolicies, KnowTheAliasOfARequest) {
  const std::string key = kms().create_key();
  kms().ok("CreateAlias", R"({"AliasName":"alias/policies","TargetKeyId":")" + key + "\"}");
  EXPECT_EQ(
      put(key,
          document(
              delegation() + "," +
              statement("Allow", kAlice, "kms:Encrypt",
                        R"(,"Condition":{"StringEquals":{"kms:RequestAlias":"alias/policies"}})"))),
      "200");
  EXPECT_EQ(encrypt("alias/policies", alice()), "200");
  EXPECT_EQ(encrypt(key, alice()),
            denied(kAlice, "kms:Encrypt", key,
                   "because no identity-based policy allows the kms:Encrypt action"));
}

TEST_F(KeyPolicies, ShareAKeyWithAnotherAccount) {
  const std::string key = kms().create_key();
  EXPECT_EQ(encrypt(kms().arn(key), bob()), foreign(kBob, "kms:Encrypt"));
  EXPECT_EQ(put(key, document(delegation() + "," +
                              statement("Allow", "arn:aws:iam::111122223333:root", "kms:*"))),
            "200");
  const Answer encrypted =
      kms().call("Encrypt", key_body(kms().arn(key), R"(,"Plaintext":"eA==")"), bob());
  ASSERT_EQ(encrypted.outcome(), "200");
  EXPECT_EQ(
      kms()
          .call("Decrypt", R"({"CiphertextBlob":")" + encrypted.at("CiphertextBlob") + "\"}", bob())
          .at("Plaintext"),
      "eA==");
  // The bare id is of the ciphertext's account there, in whatever case.
  const std::string blob = R"({"CiphertextBlob":")" + encrypted.at("CiphertextBlob") + "\"";
  const auto by_id = [&](const char* operation, const std::string& members) {
    return kms().call(operation, blob + members + "}", bob());
  };
  std::string upper = key;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const std::string& id : {key, upper}) {
    EXPECT_EQ(by_id("Decrypt", R"(,"KeyId":")" + id + "\"").at("Plaintext"), "eA==");
    EXPECT_EQ(by_id("ReEncrypt", R"(,"SourceKeyId":")" + id + R"(","DestinationKeyId":")" +
                                     kms().arn(key) + "\"")
                  .at("SourceKeyId"),
              kms().arn(key));
  }
  const std::string other = kms().create_key();
  EXPECT_EQ(by_id("Decrypt", R"(,"KeyId":")" + other + "\"").outcome(),
            "400 NotFoundException: Key 'arn:aws:kms:us-east-1:111122223333:key/" + other +
                "' does not exist");
  // Not across accounts, whatever the policies say.
  EXPECT_EQ(kms().call("DisableKey", key_body(kms().arn(key)), bob()).outcome(),
            foreign(kBob, "kms:DisableKey"));
  kms().ok("PutKeyPolicy", policy_body(key, document(delegation())));
  EXPECT_EQ(
      kms()
          .call("Decrypt", R"({"CiphertextBlob":")" + encrypted.at("CiphertextBlob") + "\"}", bob())
          .outcome(),
      "400 AccessDeniedException: User: " + std::string(kBob) +
          " is not authorized to perform: kms:Decrypt on the resource associated with this "
          "ciphertext because the resource does not exist in this Region, no resource-based "
          "policies allow access, or a resource-based policy explicitly denies access");
}

TEST_F(KeyPolicies, ReEncryptNeedsBothSides) {
  const std::string from = kms().create_key();
  const std::string to = kms().create_key();
  const std::string blob =
      kms().ok("Encrypt", key_body(from, R"(,"Plaintext":"eA==")")).at("CiphertextBlob");
  const auto re_encrypt = [&] {
    return kms()
        .call("ReEncrypt",
              R"({"CiphertextBlob":")" + blob + R"(","SourceKeyId":")" + from +
                  R"(","DestinationKeyId":")" + to + "\"}",
              alice())
        .outcome();
  };
  const std::string other_key = R"(,"Condition":{"Bool":{"kms:ReEncryptOnSameKey":"false"}})";
  EXPECT_EQ(put(from, document(delegation() + "," +
                               statement("Allow", kAlice, "kms:ReEncryptFrom", other_key))),
            "200");
  EXPECT_EQ(re_encrypt(),
            denied(kAlice, "kms:ReEncryptTo", to,
                   "because no identity-based policy allows the kms:ReEncryptTo action"));
  EXPECT_EQ(put(to, document(delegation() + "," + statement("Allow", kAlice, "kms:ReEncryptTo"))),
            "200");
  EXPECT_EQ(re_encrypt(), "200");
}

TEST_F(KeyPolicies, AreRefusedInAwsWordsAndChangeNothing) {
  const std::string key = kms().create_key();
  const std::string before = get(key);
  const std::string malformed = "400 MalformedPolicyDocumentException: ";
  EXPECT_EQ(put(key, document(R"({"Effect":"Allow","Action":"kms:*","Resource":"*"})")),
            malformed + "Policy contains a statement with no principal.");
  EXPECT_EQ(
      put(key, document(statement("Allow", "arn:aws:iam::123456789012:user/nobody", "kms:*"))),
      malformed + "Policy contains a statement with one or more invalid principals.");
  for (const char* const name :
       {"arn:aws:sts::123456789012:federated-user/*",
        "arn:aws:sts::123456789012:federated-user/a b", "arn:aws:iam::123456789012:user/*"}) {
    EXPECT_EQ(put(key, document(delegation() + "," + statement("Deny", name, "kms:Encrypt"))),
              malformed + "Policy contains a statement with one or more invalid principals.")
        << name;
  }
  EXPECT_EQ(put(key, document(delegation() + R"(,{"Effect":"Deny","Principal":"*",
                "Action":"kms:Encrypt","Resource":"arn:aws:kms:us-east-1"})")),
            malformed + "Resource arn:aws:kms:us-east-1 must be in ARN format or \"*\".");
  EXPECT_EQ(put(key, document(statement("Allow", "arn:aws:iam:::root", "kms:*"))),
            "400 InvalidArnException: An ARN in the specified key policy is invalid.");
  EXPECT_EQ(
      put(key, document(statement("Allow", kAlice, "kms:*"))),
      malformed + "The new key policy will not allow you to update the key policy in the future.");
  EXPECT_EQ(put(key, "not json"), malformed + "Syntax errors in policy: it is not valid JSON");
  const std::string long_id(32768, 'x');
  EXPECT_EQ(put(key, R"({"Id":")" + long_id + R"(","Statement":[)" + delegation() + "]}"),
            "400 LimitExceededException: The key policy is longer than 32768 bytes.");
  EXPECT_EQ(get(key), before);
  EXPECT_EQ(put(key, document(statement("Allow", kAlice, "kms:*")),
                R"(,"BypassPolicyLockoutSafetyCheck":true)"),
            "200");
  EXPECT_EQ(kms().call("GetKeyPolicy", key_body(key)).outcome(),
            denied("arn:aws:iam::123456789012:user/admin", "kms:GetKeyPolicy", key,
                   "because no resource-based policy allows the kms:GetKeyPolicy action"));
}

TEST_F(KeyPolicies, ComeWithANewKeyAndANewReplica) {
  const std::string policy =
      document(delegation() + "," + statement("Allow", kAlice, "kms:Encrypt"));
  const std::string key =
      kms().create_key(R"({"MultiRegion":true,"Policy":)" + json_string(policy) + "}");
  EXPECT_EQ(encrypt(key, alice()), "200");
  EXPECT_EQ(
      kms()
          .call("CreateKey",
                R"({"Policy":)" + json_string(document(statement("Allow", kAlice, "kms:*"))) + "}")
          .outcome(),
      "400 MalformedPolicyDocumentException: The new key policy will not allow you to update "
      "the key policy in the future.");
  const Answer replica =
      kms().ok("ReplicateKey", key_body(key, R"(,"ReplicaRegion":"us-west-2","Policy":)" +
                                                 json_string(document(delegation()))));
  EXPECT_EQ(replica.at("ReplicaPolicy"),
            kms().call("GetKeyPolicy", key_body(key), admin(), "us-west-2").at("Policy"));
  EXPECT_EQ(kms()
                .call("Encrypt", key_body(key, R"(,"Plaintext":"eA==")"), alice(), "us-west-2")
                .outcome(),
            "400 AccessDeniedException: User: " + std::string(kAlice) +
                " is not authorized to perform: kms:Encrypt on resource: "
                "arn:aws:kms:us-west-2:123456789012:key/" +
                key + " because no identity-based policy allows the kms:Encrypt action");
}

// Once the check saw a key without its tags, and a replica in the Region of its primary.
TEST_F(KeyPolicies, AreCheckedForTheKeyAsItWillBe) {
  const auto only_where = [](const std::string& name, const std::string& value) {
    return document(
        statement("Allow", "arn:aws:iam::123456789012:root", "kms:*",
                  R"(,"Condition":{"StringEquals":{")" + name + R"(":")" + value + "\"}}"));
  };
  const auto create = [&](const std::string& team) {
    return kms()
        .call("CreateKey", R"({"Tags":[{"TagKey":"team","TagValue":")" + team + R"("}],"Policy":)" +
                               json_string(only_where("aws:ResourceTag/team", "blue")) + "}")
        .outcome();
  };
  const std::string locked_out =
      "400 MalformedPolicyDocumentException: The new key policy will not allow you to update the "
      "key policy in the future.";
  EXPECT_EQ(create("blue"), "200");
  EXPECT_EQ(create("red"), locked_out);

  const auto replicate = [&](const std::string& key, const std::string& name,
                             const std::string& value) {
    return kms()
        .call("ReplicateKey", key_body(key, R"(,"ReplicaRegion":"us-west-2","Policy":)" +
                                                json_string(only_where(name, value))))
        .outcome();
  };
  const std::string one = kms().create_key(R"({"MultiRegion":true})");
  EXPECT_EQ(replicate(one, "aws:RequestedRegion", "us-east-1"), locked_out);
  EXPECT_EQ(replicate(one, "aws:RequestedRegion", "us-west-2"), "200");
  EXPECT_EQ(
      kms().call("UpdatePrimaryRegion", key_body(one, R"(,"PrimaryRegion":"us-west-2")")).outcome(),
      "200");
  const std::string other = kms().create_key(R"({"MultiRegion":true})");
  EXPECT_EQ(replicate(other, "kms:MultiRegionKeyType", "PRIMARY"), locked_out);
  EXPECT_EQ(replicate(other, "kms:MultiRegionKeyType", "REPLICA"), "200");
}

TEST_F(KeyPolicies, AliasesNeedPermissionOnTheAliasAndOnItsKey) {
  const std::string key = kms().create_key();
  EXPECT_EQ(put(key, document(delegation() + "," + statement("Allow", kAlice, "kms:*"))), "200");
  EXPECT_EQ(
      kms()
          .call("CreateAlias", R"({"AliasName":"alias/of-alice","TargetKeyId":")" + key + "\"}",
                alice())
          .outcome(),
      "400 AccessDeniedException: User: " + std::string(kAlice) +
          " is not authorized to perform: kms:CreateAlias on resource: "
          "arn:aws:kms:us-east-1:123456789012:alias/of-alice because no identity-based policy "
          "allows the kms:CreateAlias action");
}

TEST(KeyPoliciesOfAService, AreKeptAndAuditedWithWhatDecided) {
  Harness kms;
  const std::string key = kms.create_key();
  const std::string policy =
      document(delegation() + R"(,{"Sid":"for alice","Effect":"Allow","Principal":{"AWS":")" +
               kAlice + R"("},"Action":"kms:Encrypt","Resource":"*"})");
  kms.ok("PutKeyPolicy", "{\"KeyId\":\"" + key + "\",\"Policy\":" + json_string(policy) + "}");
  kms.restart();
  const std::string encrypt = "{\"KeyId\":\"" + key + R"(","Plaintext":"eA=="})";
  EXPECT_EQ(kms.call("Encrypt", encrypt, alice()).outcome(), "200");
  EXPECT_EQ(kms.call("Encrypt", encrypt, admin()).outcome(), "200");
  EXPECT_EQ(kms.call("DescribeKey", "{\"KeyId\":\"" + key + "\"}", alice()).status, 400);
  kms.stop();
  const auto lines = kms.audit_lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(
      lines[2],
      testing::HasSubstr(
          R"("additionalEventData":{"authorization":[{"action":"kms:Encrypt","effect":"Allow",)"
          R"("policy":"key policy","statement":"for alice"}]})"));
  EXPECT_THAT(lines[3],
              testing::HasSubstr(R"("authorization":[{"action":"kms:Encrypt","effect":"Allow",)"
                                 R"("policy":"policy"}])"));
  EXPECT_THAT(lines[4], testing::HasSubstr(
                            R"("authorization":[{"action":"kms:DescribeKey","effect":"Deny"}])"));
}

TEST(KeyPoliciesOfAService, DoNotMeanALaterNamesakeNorDoGrants) {
  Harness kms;
  const std::string by_policy = kms.create_key();
  const std::string by_grant = kms.create_key();
  const std::string policy =
      document(delegation() + "," + statement("Allow", kAlice, "kms:Encrypt"));
  const auto body = [](const std::string& key, const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\"" + more + "}";
  };
  kms.ok("PutKeyPolicy", body(by_policy, ",\"Policy\":" + json_string(policy)));
  const std::string grantee = R"(,"GranteePrincipal":")" + std::string(kAlice) + "\"";
  kms.ok("CreateGrant", body(by_grant, grantee + R"(,"RetiringPrincipal":")" + kAlice +
                                           R"(","Operations":["Encrypt"])"));
  const auto encrypt = [&](const std::string& key) {
    return kms.call("Encrypt", body(key, R"(,"Plaintext":"eA==")"), alice()).status;
  };
  const auto listed = [&] { return kms.ok("ListGrants", body(by_grant)); };
  const auto retirable = [&](const std::string& principal) {
    return kms.ok("ListRetirableGrants", R"({"RetiringPrincipal":")" + principal + "\"}")
        .json["Grants"]
        .Size();
  };
  EXPECT_EQ(encrypt(by_policy), 200);
  EXPECT_EQ(encrypt(by_grant), 200);
  const std::string shown = kms.ok("GetKeyPolicy", body(by_policy)).at("Policy");
  EXPECT_THAT(shown, testing::HasSubstr(kAlice));
  EXPECT_EQ(listed().at("Grants.0.GranteePrincipal"), kAlice);
  EXPECT_EQ(listed().at("Grants.0.RetiringPrincipal"), kAlice);
  EXPECT_EQ(kms.ok("ListGrants", body(by_grant, grantee)).json["Grants"].Size(), 1U);
  EXPECT_EQ(retirable(kAlice), 1U);

  kms.config().principals.at(1).unique_id = "AIDAANOTHER";
  kms.restart();
  EXPECT_EQ(encrypt(by_policy), 400);
  EXPECT_EQ(encrypt(by_grant), 400);
  const std::string of_the_gone = kms.ok("GetKeyPolicy", body(by_policy)).at("Policy");
  EXPECT_THAT(of_the_gone, testing::HasSubstr(R"("AWS" : "AIDAalice")"));
  EXPECT_EQ(listed().at("Grants.0.GranteePrincipal"), "AIDAalice");
  EXPECT_EQ(listed().at("Grants.0.RetiringPrincipal"), "AIDAalice");
  EXPECT_EQ(kms.ok("ListGrants", body(by_grant, grantee)).json["Grants"].Size(), 0U);
  EXPECT_EQ(retirable(kAlice), 0U);
  EXPECT_EQ(
      kms.call("PutKeyPolicy", body(by_policy, ",\"Policy\":" + json_string(of_the_gone)))
          .outcome(),
      "400 MalformedPolicyDocumentException: Policy contains a statement with one or more invalid "
      "principals.");

  kms.config().principals.at(1).unique_id = "AIDAalice";
  kms.restart();
  EXPECT_EQ(encrypt(by_policy), 200);
  EXPECT_EQ(encrypt(by_grant), 200);
  EXPECT_EQ(kms.ok("GetKeyPolicy", body(by_policy)).at("Policy"), shown);
}

/// alice with these statements in her identity policy.
void restart_with(Harness& kms, const std::string& statements) {
  kms.config().principals.at(1).policies = {{.name = "policy", .json = document(statements)}};
  kms.restart();
}

TEST(IdentityPolicies, LookAtTheAliasesOfEveryKeyOfARequest) {
  Harness kms;
  restart_with(kms, R"({"Effect":"Allow","Action":"kms:*","Resource":"*"},
      {"Effect":"Deny","Action":"kms:UpdateAlias","Resource":"*",
       "Condition":{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/prod*"}}})");
  const std::string key = kms.create_key();
  const std::string other = kms.create_key();
  kms.ok("CreateAlias", R"({"AliasName":"alias/prod","TargetKeyId":")" + key + "\"}");
  EXPECT_EQ(kms.call("UpdateAlias", R"({"AliasName":"alias/prod","TargetKeyId":")" + other + "\"}",
                     alice())
                .outcome(),
            "400 AccessDeniedException: User: " + std::string(kAlice) +
                " is not authorized to perform: kms:UpdateAlias on resource: " + kms.arn(key) +
                " with an explicit deny in an identity-based policy");
  EXPECT_EQ(kms.ok("DescribeKey", R"({"KeyId":"alias/prod"})").at("KeyMetadata.KeyId"), key);
}

/// What alice's Encrypt is answered by a policy that has `effect` if the key has an alias that
/// begins with "a", of a key with two such aliases where `limit` are allowed.
std::string encrypt_by_aliases(const std::string& effect, std::uint32_t limit) {
  Harness kms;
  const std::string key = kms.create_key();
  for (const std::string alias : {"alias/a1", "alias/a2"}) {
    kms.ok("CreateAlias", "{\"AliasName\":\"" + alias + "\",\"TargetKeyId\":\"" + key + "\"}");
  }
  kms.config().limits.aliases_per_key = limit;
  const std::string rest =
      effect == "Deny" ? R"({"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"},)" : "";
  restart_with(kms, rest + R"({"Effect":")" + effect + R"(","Action":"kms:Encrypt","Resource":"*",
      "Condition":{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/a*"}}})");
  return kms.call("Encrypt", "{\"KeyId\":\"" + key + R"(","Plaintext":"AAAA"})", alice()).outcome();
}

TEST(IdentityPolicies, OnAliasesFailClosedIfTheKeyHasMoreThanItMay) {
  EXPECT_EQ(encrypt_by_aliases("Allow", 2), "200");
  EXPECT_THAT(encrypt_by_aliases("Allow", 1),
              testing::HasSubstr("because no identity-based policy allows the kms:Encrypt action"));
  EXPECT_THAT(encrypt_by_aliases("Deny", 2),
              testing::HasSubstr("with an explicit deny in an identity-based policy"));
  EXPECT_THAT(encrypt_by_aliases("Deny", 1),
              testing::HasSubstr("with an explicit deny in an identity-based policy"));
}

TEST(IdentityPolicies, MeetTheRegionOfAReplica) {
  Harness kms;
  restart_with(kms, R"({"Effect":"Allow","Action":"kms:*","Resource":"*"},
      {"Effect":"Deny","Action":["kms:CreateKey","kms:TagResource"],"Resource":"*",
       "Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}})");
  const std::string key = kms.create_key(R"({"MultiRegion":true})");
  EXPECT_EQ(kms.call("CreateKey", "{}", alice()).outcome(), "200");
  EXPECT_EQ(
      kms.call("ReplicateKey", "{\"KeyId\":\"" + key + R"(","ReplicaRegion":"us-west-2"})", alice())
          .outcome(),
      "400 AccessDeniedException: User: " + std::string(kAlice) +
          " is not authorized to perform: kms:CreateKey on resource: * with an explicit deny "
          "in an identity-based policy");
}

TEST(IdentityPolicies, AloneDecideListAliases) {
  Harness kms;
  restart_with(kms, R"({"Effect":"Allow","Action":"kms:ListAliases","Resource":"*",
      "Condition":{"StringEquals":{"aws:ResourceAccount":"123456789012"}}})");
  const std::string key = kms.create_key();
  kms.ok("CreateAlias", R"({"AliasName":"alias/one","TargetKeyId":")" + key + "\"}");
  const std::string body = "{\"KeyId\":\"" + key + "\"}";
  EXPECT_EQ(kms.call("ListAliases", body, alice()).at("Aliases.0.AliasName"), "alias/one");
  EXPECT_EQ(kms.call("DescribeKey", body, alice()).status, 400);
  EXPECT_EQ(kms.call("ListAliases", "{\"KeyId\":\"" + kms.arn(key) + "\"}", bob()).outcome(),
            "400 AccessDeniedException: User: " + std::string(kBob) +
                " is not authorized to perform: kms:ListAliases on this resource because the "
                "resource does not exist in this Region, no resource-based policies allow access, "
                "or a resource-based policy explicitly denies access");
}

}  // namespace
}  // namespace kms::test
