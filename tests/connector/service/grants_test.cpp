#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "connector/base/encodings.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

constexpr const char* kAdmin = "arn:aws:iam::123456789012:user/admin";
constexpr const char* kAlice = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kBob = "arn:aws:iam::111122223333:user/bob";

class Grants : public ServiceTest {
 protected:
  static std::string member(const std::string& name, const std::string& value) {
    return ",\"" + name + "\":\"" + value + "\"";
  }
  static std::string body(const std::string& key, const std::string& grantee,
                          const std::string& operations = R"(["Decrypt","Encrypt"])",
                          const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\",\"GranteePrincipal\":\"" + grantee +
           "\",\"Operations\":" + operations + more + "}";
  }
  static Answer create(const std::string& key, const std::string& grantee,
                       const std::string& operations = R"(["Decrypt","Encrypt"])",
                       const std::string& more = "") {
    return kms().call("CreateGrant", body(key, grantee, operations, more));
  }
  static std::string list(const std::string& key, const std::string& more = "") {
    return kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\"" + more + "}").body;
  }
  static std::vector<std::string> ids(const Answer& listed) {
    std::vector<std::string> ids;
    for (const auto& grant : listed.json["Grants"].GetArray()) {
      ids.emplace_back(grant["GrantId"].GetString());
    }
    return ids;
  }
  static std::string by_id(const std::string& key, const std::string& grant,
                           const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\",\"GrantId\":\"" + grant + "\"" + more + "}";
  }
  static std::string by_token(const std::string& token, const std::string& more = "") {
    return "{\"GrantToken\":\"" + token + "\"" + more + "}";
  }
};

TEST_F(Grants, AreCreatedAndListed) {
  const std::string key = kms().create_key();
  const Answer answer =
      create(key, kAlice, R"(["Decrypt","CreateGrant"])",
             member("RetiringPrincipal", kBob) + member("Name", "first") +
                 R"(,"Constraints":{"EncryptionContextSubset":{"purpose":"test"}})");
  ASSERT_EQ(answer.outcome(), "200");
  EXPECT_EQ(answer.json.MemberCount(), 2U);
  EXPECT_EQ(answer.at("GrantId").size(), 64U);
  EXPECT_TRUE(from_hex(answer.at("GrantId")));
  EXPECT_TRUE(from_base64(answer.at("GrantToken")));
  const Answer listed = kms().ok("ListGrants", "{\"KeyId\":\"" + kms().arn(key) + "\"}");
  EXPECT_EQ(listed.at("Truncated"), "false");
  EXPECT_EQ(listed.json["Grants"].Size(), 1U);
  EXPECT_EQ(listed.json["Grants"][0].MemberCount(), 9U);
  EXPECT_EQ(listed.at("Grants.0.KeyId"), kms().arn(key));
  EXPECT_EQ(listed.at("Grants.0.GrantId"), answer.at("GrantId"));
  EXPECT_EQ(listed.at("Grants.0.Name"), "first");
  EXPECT_EQ(listed.at("Grants.0.GranteePrincipal"), kAlice);
  EXPECT_EQ(listed.at("Grants.0.RetiringPrincipal"), kBob);
  EXPECT_EQ(listed.at("Grants.0.IssuingAccount"), "arn:aws:iam::123456789012:root");
  EXPECT_EQ(listed.at("Grants.0.Operations"), R"(["Decrypt","CreateGrant"])");
  EXPECT_EQ(listed.at("Grants.0.Constraints"), R"({"EncryptionContextSubset":{"purpose":"test"}})");
  EXPECT_NE(listed.at("Grants.0.CreationDate"), "(absent)");

  const std::string plain = kms().create_key();
  ASSERT_EQ(create(plain, kAlice).outcome(), "200");
  const Answer bare = kms().ok("ListGrants", "{\"KeyId\":\"" + plain + "\"}");
  EXPECT_EQ(bare.json["Grants"][0].MemberCount(), 7U);
  EXPECT_EQ(bare.at("Grants.0.Name"), "");
}

TEST_F(Grants, OfOneNameAndTheSameParametersAreOneGrantWithManyTokens) {
  const std::string key = kms().create_key();
  const Answer first = create(key, kAlice, R"(["Decrypt"])", member("Name", "n"));
  const Answer again = create(key, kAlice, R"(["Decrypt"])", member("Name", "n"));
  EXPECT_EQ(again.at("GrantId"), first.at("GrantId"));
  EXPECT_NE(again.at("GrantToken"), first.at("GrantToken"));
  // Other parameters, or no name: another grant.
  std::set<std::string> ids{first.at("GrantId")};
  ids.insert(create(key, kAlice, R"(["Encrypt"])", member("Name", "n")).at("GrantId"));
  ids.insert(create(key, kAdmin, R"(["Decrypt"])", member("Name", "n")).at("GrantId"));
  ids.insert(create(key, kAlice, R"(["Decrypt"])", member("Name", "m")).at("GrantId"));
  ids.insert(create(key, kAlice, R"(["Decrypt"])").at("GrantId"));
  ids.insert(create(key, kAlice, R"(["Decrypt"])").at("GrantId"));
  EXPECT_EQ(ids.size(), 6U);
  // Each token is as good as the other.
  EXPECT_EQ(kms().call("RetireGrant", by_token(first.at("GrantToken"))).outcome(), "200");
  EXPECT_EQ(kms().call("RetireGrant", by_token(again.at("GrantToken"))).outcome(),
            "400 InvalidGrantTokenException: The grant token is not valid.");
  const Answer later = create(key, kAlice, R"(["Decrypt"])", member("Name", "n"));
  EXPECT_FALSE(ids.contains(later.at("GrantId")));
}

TEST_F(Grants, OfOneNameMadeAtOnceAreOneGrant) {
  const std::string key = kms().create_key();
  std::vector<std::string> made(8);
  std::vector<std::thread> threads;
  for (std::string& id : made) {
    threads.emplace_back([&id, &key] {
      id = create(key, kAlice, R"(["Decrypt"])", member("Name", "race")).at("GrantId");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(made.begin(), made.end()).size(), 1U);
  EXPECT_EQ(ids(kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\"}")).size(), 1U);
}

TEST_F(Grants, AreRefusedInAwsWords) {
  const std::string key = kms().create_key();
  EXPECT_EQ(create("invalid", kAlice).outcome(), "400 NotFoundException: Invalid keyId 'invalid'");
  EXPECT_EQ(create("alias/a", kAlice).outcome(),
            "400 InvalidArnException: Key Aliases are not supported for this operation.");
  EXPECT_EQ(create(key, kAlice, R"(["CreateGrant"])").outcome(),
            "400 ValidationException: Grants must not contain only the CreateGrant operation.");
  EXPECT_EQ(create(key, kAlice, "[]").outcome(),
            "400 ValidationException: Grants must contain at least one operation.");
  EXPECT_EQ(create(key, kAlice, R"(["Sign","Decrypt","GenerateMac"])").outcome(),
            "400 ValidationException: Operations [Sign, GenerateMac] are not supported when "
            "creating a grant for a symmetric KMS key with key usage ENCRYPT_DECRYPT. Valid "
            "operations are [Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo, GenerateDataKey, "
            "GenerateDataKeyWithoutPlaintext, GenerateDataKeyPair, "
            "GenerateDataKeyPairWithoutPlaintext, CreateGrant, RetireGrant, DescribeKey].");
  for (const char* const nobody :
       {"alice", "arn:aws:iam::123456789012:user/nobody", "arn:aws:iam::123456789012:group/g",
        "arn:aws:iam::999999999999:root", "arn:aws:iam::123456789012:user/",
        "arn:aws:sts::123456789012:assumed-role/unknown/s",
        "arn:aws:iam:us-east-1:123456789012:root", "arn:aws-cn:iam::123456789012:root"}) {
    const std::string refused =
        "400 InvalidArnException: ARN does not refer to a valid principal: " + std::string(nobody);
    EXPECT_EQ(create(key, nobody).outcome(), refused);
    EXPECT_EQ(create(key, kAlice, R"(["Decrypt"])", member("RetiringPrincipal", nobody)).outcome(),
              refused);
  }
  std::string pairs;
  for (int i = 0; i < 9; ++i) pairs += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"v\"";
  EXPECT_EQ(create(key, kAlice, R"(["Decrypt"])",
                   ",\"Constraints\":{\"EncryptionContextEquals\":{" + pairs + "}}")
                .outcome(),
            "400 ValidationException: A grant constraint can have at most 8 encryption context "
            "pairs.");
  EXPECT_EQ(
      create(key, kAlice, R"(["Decrypt"])",
             R"(,"Constraints":{"EncryptionContextSubset":{"a":")" + std::string(385, 'v') + "\"}}")
          .outcome(),
      "400 ValidationException: An encryption context value in a grant constraint can have at "
      "most 384 characters.");
  EXPECT_EQ(list(key), R"({"Grants":[],"Truncated":false})");
}

TEST_F(Grants, FollowTheStateOfTheKey) {
  const std::string key = kms().create_key();
  const std::string grant = create(key, kAlice).at("GrantId");
  kms().ok("DisableKey", "{\"KeyId\":\"" + key + "\"}");
  EXPECT_EQ(create(key, kAlice).outcome(),
            "400 DisabledException: " + kms().arn(key) + " is disabled.");
  kms().ok("ScheduleKeyDeletion", "{\"KeyId\":\"" + key + "\"}");
  EXPECT_EQ(create(key, kAlice).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(key) + " is pending deletion.");
  EXPECT_EQ(kms().call("RevokeGrant", by_id(key, grant)).outcome(), "200");
  EXPECT_EQ(list(key), R"({"Grants":[],"Truncated":false})");
}

TEST_F(Grants, DoNothingInADryRun) {
  const std::string dry =
      "400 DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.";
  const std::string key = kms().create_key();
  EXPECT_EQ(create(key, kAlice, R"(["Decrypt"])", R"(,"DryRun":true)").outcome(), dry);
  EXPECT_EQ(list(key), R"({"Grants":[],"Truncated":false})");
  const Answer grant = create(key, kAlice, R"(["Decrypt"])", R"(,"DryRun":false)");
  EXPECT_EQ(
      kms().call("RevokeGrant", by_id(key, grant.at("GrantId"), R"(,"DryRun":true)")).outcome(),
      dry);
  EXPECT_EQ(
      kms().call("RetireGrant", by_id(key, grant.at("GrantId"), R"(,"DryRun":true)")).outcome(),
      dry);
  EXPECT_EQ(
      kms().call("RetireGrant", by_token(grant.at("GrantToken"), R"(,"DryRun":true)")).outcome(),
      dry);
  EXPECT_EQ(ids(kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\"}")).size(), 1U);
}

TEST_F(Grants, AreListedByPagesAndFilters) {
  const std::string key = kms().create_key();
  std::set<std::string> all;
  std::set<std::string> of_alice;
  for (int i = 0; i < 5; ++i) {
    const std::string& grantee = i % 2 == 0 ? kAlice : kAdmin;
    const auto id =
        create(key, grantee, R"(["Decrypt"])", member("Name", std::to_string(9 - i))).at("GrantId");
    all.insert(id);
    if (i % 2 == 0) of_alice.insert(id);
  }
  const auto walk = [&](const std::string& filter) {
    std::vector<std::string> seen;
    std::string marker;
    do {
      const Answer page =
          kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\",\"Limit\":2" + filter + marker + "}");
      for (const auto& id : ids(page)) seen.push_back(id);
      EXPECT_EQ(page.at("Truncated") == "true", page.at("NextMarker") != "(absent)");
      marker = page.at("Truncated") == "true" ? member("Marker", page.at("NextMarker")) : "";
    } while (!marker.empty());
    return seen;
  };
  EXPECT_THAT(walk(""), testing::ElementsAreArray(all));
  EXPECT_THAT(walk(member("GranteePrincipal", kAlice)), testing::ElementsAreArray(of_alice));
  EXPECT_THAT(walk(member("GranteePrincipal", kBob)), testing::IsEmpty());
  const std::string one = *of_alice.begin();
  EXPECT_THAT(walk(member("GrantId", one)), testing::ElementsAre(one));
  EXPECT_THAT(walk(member("GrantId", one) + member("GranteePrincipal", kAdmin)),
              testing::IsEmpty());
  EXPECT_THAT(walk(member("GrantId", std::string(64, '0'))), testing::IsEmpty());
  EXPECT_EQ(kms().call("ListGrants", by_id(key, "short")).outcome(),
            "400 InvalidGrantIdException: Invalid grant ID short");

  const std::string marker = member(
      "Marker", kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\",\"Limit\":2}").at("NextMarker"));
  const std::string refused =
      "400 InvalidMarkerException: The marker is not valid for this request.";
  const std::string other = kms().create_key();
  EXPECT_EQ(kms().call("ListGrants", "{\"KeyId\":\"" + other + "\"" + marker + "}").outcome(),
            refused);
  EXPECT_EQ(kms()
                .call("ListGrants", "{\"KeyId\":\"" + key + "\"" +
                                        member("GranteePrincipal", kAlice) + marker + "}")
                .outcome(),
            refused);
}

TEST_F(Grants, ThatAPrincipalMayRetireAreListed) {
  std::set<std::string> mine;
  for (int i = 0; i < 3; ++i) {
    mine.insert(
        create(kms().create_key(), kAdmin, R"(["Decrypt"])", member("RetiringPrincipal", kAlice))
            .at("GrantId"));
  }
  const std::string foreign_key = kms().call("CreateKey", "{}", bob()).at("KeyMetadata.KeyId");
  const Answer foreign = kms().call(
      "CreateGrant", body(foreign_key, kBob, R"(["Decrypt"])", member("RetiringPrincipal", kAlice)),
      bob());
  ASSERT_EQ(foreign.outcome(), "200");
  const auto walk = [](const std::string& principal) {
    std::vector<std::string> seen;
    std::string marker;
    do {
      const Answer page = kms().ok("ListRetirableGrants", "{\"RetiringPrincipal\":\"" + principal +
                                                              "\",\"Limit\":2" + marker + "}");
      for (const auto& id : ids(page)) seen.push_back(id);
      marker = page.at("Truncated") == "true" ? member("Marker", page.at("NextMarker")) : "";
    } while (!marker.empty());
    return seen;
  };
  const auto seen = walk(kAlice);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
  // Those of the other account's keys too, account by account.
  EXPECT_EQ(seen.front(), foreign.at("GrantId"));
  for (const std::string& id : mine) EXPECT_EQ(std::ranges::count(seen, id), 1) << id;
  EXPECT_THAT(walk("arn:aws:iam::123456789012:user/long-gone"), testing::IsEmpty());
  EXPECT_EQ(
      kms()
          .call("ListRetirableGrants", std::string("{\"RetiringPrincipal\":\"") + kBob + "\"}")
          .outcome(),
      "400 InvalidArnException: ARN does not refer to a valid principal: " + std::string(kBob));
}

TEST_F(Grants, AreRetiredByThoseWhoMay) {
  const std::string key = kms().create_key();
  const auto make = [&](const std::string& grantee, const std::string& operations,
                        const std::string& retiring) {
    return create(key, grantee, operations,
                  retiring.empty() ? "" : member("RetiringPrincipal", retiring))
        .at("GrantId");
  };
  const auto retire = [&](const std::string& grant, const Credentials& caller) {
    return kms().call("RetireGrant", by_id(kms().arn(key), grant), caller).outcome();
  };
  const std::string denied =
      "400 AccessDeniedException: User: " + std::string(kAlice) +
      " is not authorized to perform: kms:RetireGrant on resource: " + kms().arn(key) +
      " because no identity-based policy allows the kms:RetireGrant action";
  const std::string foreign =
      "400 AccessDeniedException: User: " + std::string(kBob) +
      " is not authorized to perform: kms:RetireGrant on this resource because the resource does "
      "not exist in this Region, no resource-based policies allow access, or a resource-based "
      "policy explicitly denies access";

  // The retiring principal, of whatever account.
  EXPECT_EQ(retire(make(kAdmin, R"(["Decrypt"])", kAlice), alice()), "200");
  EXPECT_EQ(retire(make(kAdmin, R"(["Decrypt"])", kBob), bob()), "200");
  EXPECT_EQ(retire(make(kAdmin, R"(["Decrypt"])", "arn:aws:iam::111122223333:root"), bob()), "200");
  // The grantee, if RetireGrant is granted.
  EXPECT_EQ(retire(make(kAlice, R"(["Decrypt","RetireGrant"])", ""), alice()), "200");
  EXPECT_EQ(retire(make(kAlice, R"(["Decrypt"])", ""), alice()), denied);
  // Who has the permission in the issuing account; the account alone is not enough.
  EXPECT_EQ(retire(make(kAlice, R"(["Decrypt"])", kBob), admin()), "200");
  EXPECT_EQ(retire(make(kAdmin, R"(["Decrypt"])", "arn:aws:iam::123456789012:root"), alice()),
            denied);
  EXPECT_EQ(retire(make(kAlice, R"(["Decrypt"])", kAlice), bob()), foreign);
  EXPECT_EQ(retire(std::string(64, '0'), bob()), foreign);
}

TEST_F(Grants, AreRetiredByTokenOrByIds) {
  const std::string key = kms().create_key();
  const Answer first = create(key, kAlice);
  const Answer second = create(key, kAlice);
  EXPECT_EQ(kms().call("RetireGrant", by_token(first.at("GrantToken"))).outcome(), "200");
  EXPECT_EQ(kms().ok("RetireGrant", by_id(key, second.at("GrantId"))).body, "");
  EXPECT_EQ(list(key), R"({"Grants":[],"Truncated":false})");
  EXPECT_EQ(kms().call("RetireGrant", by_id(key, second.at("GrantId"))).outcome(),
            "400 NotFoundException: Grant ID " + second.at("GrantId") + " not found");
  EXPECT_EQ(kms().call("RetireGrant", by_id(key, "x")).outcome(),
            "400 InvalidGrantIdException: Invalid grant ID x");
  const std::string either =
      "400 ValidationException: Grant token OR (grant ID, key ID) must be specified";
  EXPECT_EQ(kms().call("RetireGrant", "{}").outcome(), either);
  EXPECT_EQ(kms().call("RetireGrant", "{\"KeyId\":\"" + key + "\"}").outcome(), either);
  EXPECT_EQ(
      kms().call("RetireGrant", by_token(first.at("GrantToken"), member("KeyId", key))).outcome(),
      either);
}

TEST_F(Grants, TokensThatNoGrantMadeAreRefusedEverywhere) {
  const std::string key = kms().create_key();
  const Answer grant = create(key, kAlice);
  const std::string token = grant.at("GrantToken");
  const std::string refused = "400 InvalidGrantTokenException: The grant token is not valid.";
  const auto encrypt = [&](const std::string& text, const std::string& region = "us-east-1") {
    return kms()
        .call("Encrypt",
              "{\"KeyId\":\"" + key + R"(","Plaintext":"eA==","GrantTokens":[")" + text + "\"]}",
              admin(), region)
        .outcome();
  };
  EXPECT_EQ(encrypt(token), "200");
  EXPECT_EQ(encrypt("no-token"), refused);
  EXPECT_EQ(encrypt(token, "us-west-2"), refused);
  const Bytes bytes = *from_base64(token);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ 1U << (i % 8));
    EXPECT_EQ(encrypt(to_base64(flipped)), refused) << "byte " << i;
  }
  for (std::size_t size : {std::size_t{1}, std::size_t{32}, bytes.size() - 1}) {
    const ByteView cut = ByteView(bytes).first(size);
    EXPECT_EQ(encrypt(to_base64(cut)), refused) << size;
  }
  // One of another key is of no use, and no harm.
  const std::string other = kms().create_key();
  EXPECT_EQ(
      create(other, kAlice, R"(["Decrypt"])", ",\"GrantTokens\":[\"" + token + "\"]").outcome(),
      "200");
  kms().ok("RevokeGrant", by_id(key, grant.at("GrantId")));
  EXPECT_EQ(encrypt(token), refused);
  EXPECT_EQ(kms().call("RetireGrant", by_token("AAAA")).outcome(), refused);
  EXPECT_EQ(
      kms().call("DescribeKey", "{\"KeyId\":\"" + key + R"(","GrantTokens":["x"]})").outcome(),
      refused);
}

TEST_F(Grants, AllowTheirOperationsAtOnceAndNoLonger) {
  const std::string key = kms().create_key();
  const std::string encrypt = "{\"KeyId\":\"" + key + R"(","Plaintext":"eA=="})";
  const std::string refused =
      "400 AccessDeniedException: User: " + std::string(kAlice) +
      " is not authorized to perform: kms:Encrypt on resource: " + kms().arn(key) +
      " because no identity-based policy allows the kms:Encrypt action";
  EXPECT_EQ(kms().call("Encrypt", encrypt, alice()).outcome(), refused);
  const std::string grant = create(key, kAlice, R"(["Encrypt"])").at("GrantId");
  EXPECT_EQ(kms().call("Encrypt", encrypt, alice()).outcome(), "200");
  EXPECT_EQ(kms().call("DescribeKey", "{\"KeyId\":\"" + key + "\"}", alice()).outcome(),
            "400 AccessDeniedException: User: " + std::string(kAlice) +
                " is not authorized to perform: kms:DescribeKey on resource: " + kms().arn(key) +
                " because no identity-based policy allows the kms:DescribeKey action");
  kms().ok("RevokeGrant", by_id(key, grant));
  EXPECT_EQ(kms().call("Encrypt", encrypt, alice()).outcome(), refused);
}

TEST_F(Grants, HoldTheirGranteeToTheConstraints) {
  const std::string key = kms().create_key();
  const auto encrypt = [&](const std::string& context) {
    return kms()
        .call(
            "Encrypt",
            "{\"KeyId\":\"" + key + R"(","Plaintext":"eA==","EncryptionContext":)" + context + "}",
            alice())
        .outcome()
        .substr(0, 25);
  };
  create(key, kAlice, R"(["Encrypt","DescribeKey"])",
         R"(,"Constraints":{"EncryptionContextSubset":{"purpose":"test"}})");
  EXPECT_EQ(encrypt(R"({"purpose":"test","more":"1"})"), "200");
  EXPECT_EQ(encrypt(R"({"purpose":"prod"})"), "400 AccessDeniedException");
  EXPECT_EQ(encrypt("{}"), "400 AccessDeniedException");
  create(key, kAlice, R"(["Encrypt"])",
         R"(,"Constraints":{"EncryptionContextEquals":{"purpose":"prod"}})");
  EXPECT_EQ(encrypt(R"({"purpose":"prod"})"), "200");
  EXPECT_EQ(encrypt(R"({"purpose":"prod","more":"1"})"), "400 AccessDeniedException");
  // A constraint does not restrict what has no encryption context.
  EXPECT_EQ(kms().call("DescribeKey", "{\"KeyId\":\"" + key + "\"}", alice()).outcome(), "200");
}

TEST_F(Grants, LetTheirGranteeMakeNarrowerOnesOnly) {
  const std::string key = kms().create_key();
  const std::string parent = create(key, kAlice, R"(["Encrypt","Decrypt","CreateGrant"])",
                                    R"(,"Constraints":{"EncryptionContextSubset":{"a":"1"}})")
                                 .at("GrantId");
  const auto child = [&](const std::string& operations, const std::string& constraints) {
    return kms().call("CreateGrant", body(key, kAdmin, operations, constraints), alice());
  };
  const std::string narrower = R"(,"Constraints":{"EncryptionContextSubset":{"a":"1","b":"2"}})";
  EXPECT_EQ(child(R"(["Encrypt"])", "").outcome().substr(0, 25), "400 AccessDeniedException");
  EXPECT_EQ(child(R"(["Encrypt","DescribeKey"])", narrower).outcome().substr(0, 25),
            "400 AccessDeniedException");
  EXPECT_EQ(child(R"(["Encrypt"])", R"(,"Constraints":{"EncryptionContextEquals":{"b":"1"}})")
                .outcome()
                .substr(0, 25),
            "400 AccessDeniedException");
  EXPECT_EQ(child(R"(["Encrypt"])", narrower).outcome(), "200");
  EXPECT_EQ(
      child(R"(["Decrypt"])", R"(,"Constraints":{"EncryptionContextEquals":{"a":"1"}})").outcome(),
      "200");
  EXPECT_EQ(ids(kms().ok("ListGrants", "{\"KeyId\":\"" + key + "\"}")).size(), 3U);
  kms().ok("RevokeGrant", by_id(key, parent));
  EXPECT_EQ(child(R"(["Encrypt"])", narrower).outcome().substr(0, 25), "400 AccessDeniedException");
}

TEST_F(Grants, ReachAnotherAccount) {
  const std::string key = kms().create_key();
  const std::string encrypt = "{\"KeyId\":\"" + kms().arn(key) + R"(","Plaintext":"eA=="})";
  EXPECT_EQ(kms().call("Encrypt", encrypt, bob()).outcome(),
            "400 AccessDeniedException: User: " + std::string(kBob) +
                " is not authorized to perform: kms:Encrypt on this resource because the resource "
                "does not exist in this Region, no resource-based policies allow access, or a "
                "resource-based policy explicitly denies access");
  create(key, kBob, R"(["Encrypt"])");
  EXPECT_EQ(kms().call("Encrypt", encrypt, bob()).outcome(), "200");
}

TEST_F(Grants, AreRevokedWithPermissionOnly) {
  const std::string key = kms().create_key();
  const std::string grant = create(key, kAlice, R"(["Decrypt","RetireGrant"])").at("GrantId");
  EXPECT_THAT(kms().call("RevokeGrant", by_id(key, grant), alice()).outcome(),
              testing::StartsWith("400 AccessDeniedException: "));
  EXPECT_EQ(kms().ok("RevokeGrant", by_id(key, grant)).body, "");
  EXPECT_EQ(kms().call("RevokeGrant", by_id(key, grant)).outcome(),
            "400 NotFoundException: Grant ID " + grant + " not found");
  EXPECT_EQ(kms().call("RevokeGrant", by_id(key, "x")).outcome(),
            "400 InvalidGrantIdException: Invalid grant ID x");
}

TEST(GrantsOfAService, AreKeptCountedAuditedAndGoWithTheirKey) {
  Harness kms;
  kms.config().limits.grants_per_key = 2;
  kms.restart();
  const std::string key = kms.create_key();
  const std::string body = "{\"KeyId\":\"" + key + "\",\"GranteePrincipal\":\"" + kAlice +
                           R"(","Operations":["Decrypt"],"Name":")";
  const Answer first = kms.ok("CreateGrant", body + "1\"}");
  kms.ok("CreateGrant", body + "2\"}");
  EXPECT_EQ(kms.call("CreateGrant", body + "3\"}").outcome(),
            "400 LimitExceededException: The number of grants on this key is at its limit.");
  EXPECT_EQ(kms.ok("CreateGrant", body + "1\"}").at("GrantId"), first.at("GrantId"));
  kms.restart();
  kms.ok("RetireGrant", "{\"GrantToken\":\"" + first.at("GrantToken") + "\"}");
  kms.ok("CreateGrant", body + "3\"}");

  kms.ok("ScheduleKeyDeletion", "{\"KeyId\":\"" + key + R"(","PendingWindowInDays":7})");
  kms.config().clock_offset = std::chrono::hours(8 * 24);
  kms.restart();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (kms.call("DescribeKey", "{\"KeyId\":\"" + key + "\"}").outcome() == "200" &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(kms.ok("ListRetirableGrants", std::string("{\"RetiringPrincipal\":\"") + kAlice + "\"}")
                .at("Grants"),
            "[]");
  kms.stop();

  std::string created;
  std::string retired;
  for (const std::string& line : kms.audit_lines()) {
    EXPECT_EQ(line.find(first.at("GrantToken")), std::string::npos);
    // Refusals are written at once, changes a moment after their commit: the order tells nothing.
    const bool succeeded = line.find("\"grantId\":\"" + first.at("GrantId")) != std::string::npos;
    if (succeeded && line.find("\"CreateGrant\"") != std::string::npos) created = line;
    if (line.find("\"RetireGrant\"") != std::string::npos) retired = line;
  }
  rapidjson::Document event;
  event.Parse(created.c_str());
  EXPECT_STREQ(event["requestParameters"]["granteePrincipal"].GetString(), kAlice);
  EXPECT_STREQ(event["requestParameters"]["keyId"].GetString(), key.c_str());
  EXPECT_STREQ(event["requestParameters"]["name"].GetString(), "1");
  EXPECT_STREQ(event["requestParameters"]["operations"][0].GetString(), "Decrypt");
  EXPECT_STREQ(event["responseElements"]["grantId"].GetString(), first.at("GrantId").c_str());
  EXPECT_EQ(event["responseElements"].MemberCount(), 1U);
  EXPECT_FALSE(event["readOnly"].GetBool());
  event.Parse(retired.c_str());
  EXPECT_TRUE(event["requestParameters"].IsNull());
  EXPECT_TRUE(event["responseElements"].IsNull());
  EXPECT_STREQ(event["additionalEventData"]["grantId"].GetString(), first.at("GrantId").c_str());
  EXPECT_STREQ(event["resources"][0]["ARN"].GetString(), kms.arn(key).c_str());
}

}  // namespace
}  // namespace kms::test
