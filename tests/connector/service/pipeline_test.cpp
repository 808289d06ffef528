#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "connector/api/schema.h"
#include "connector/operations/table.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

class Pipeline : public ServiceTest {
 protected:
  static api::Request unsigned_request(const std::string& target, std::string_view body,
                                       const std::string& type = "application/x-amz-json-1.1") {
    api::Request request;
    request.method = "POST";
    request.uri = "/";
    request.headers.add("Host", "127.0.0.1");
    request.headers.add("Content-Type", type);
    if (!target.empty()) request.headers.add("X-Amz-Target", target);
    request.body = SecretBytes::copy_of(body);
    request.peer_address = "127.0.0.1";
    return request;
  }
  static Answer handle(api::Request request) { return kms().handle(request); }
};

TEST(OperationTable, HasEachOperationOfTheModel) {
  for (const api::OperationInfo& info : api::operations()) {
    EXPECT_NE(operations::find_operation(info.name), nullptr) << info.name;
  }
  EXPECT_EQ(operations::operations().size(), 54U);
  EXPECT_TRUE(std::ranges::is_sorted(operations::operations(), {},
                                     [](const auto* op) { return op->name; }));
}

TEST_F(Pipeline, AnswersAnUnknownTargetEvenUnsigned) {
  for (const char* target :
       {"", "TrentService.NoSuchThing", "DynamoDB_20120810.ListTables", "TrentService"}) {
    const Answer answer = handle(unsigned_request(target, "{}"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, R"({"__type":"UnknownOperationException"})") << target;
  }
}

TEST_F(Pipeline, AnswersAnEmptyBodyEvenUnsigned) {
  EXPECT_EQ(handle(unsigned_request("TrentService.ListKeys", "")).body,
            R"({"__type":"SerializationException"})");
}

TEST_F(Pipeline, AnswersOtherMethodsAndContentTypesInXml) {
  api::Request request = unsigned_request("TrentService.ListKeys", "{}");
  request.method = "GET";
  EXPECT_EQ(handle(std::move(request)).body,
            "<MissingAuthenticationTokenException>\n  <Message>Missing Authentication "
            "Token</Message>\n</MissingAuthenticationTokenException>\n");
  api::Request odd;
  odd.method = "POST";
  odd.uri = "/";
  odd.headers.add("Content-Type", "text/plain");
  odd.headers.add("Authorization", "AWS4-HMAC-SHA256 x=y");
  odd.body = SecretBytes::copy_of("{}");
  const Answer answer = handle(std::move(odd));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body,
            "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be "
            "authorized</Message>\n</AccessDeniedException>\n");
  api::Request full;
  full.method = "POST";
  full.uri = "/";
  full.headers.add("Content-Type", "text/plain");
  full.headers.add("X-Amz-Target", "TrentService.ListKeys");
  full.body = SecretBytes::copy_of("{}");
  const Answer unknown = handle(std::move(full));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "<UnknownOperationException/>\n");
}

TEST_F(Pipeline, TakesPlainJsonForKmsJson) {
  EXPECT_EQ(
      handle(unsigned_request("TrentService.ListKeys", "{}", "application/json; charset=utf-8"))
          .outcome(),
      handle(unsigned_request("TrentService.ListKeys", "{}")).outcome());
}

TEST_F(Pipeline, AnswersAPreflight) {
  api::Request request;
  request.method = "OPTIONS";
  request.uri = "/";
  request.headers.add("Origin", "https://example.com");
  request.headers.add("Access-Control-Request-Headers", "x-amz-target");
  const Answer answer = handle(std::move(request));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.headers.get("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(answer.headers.get("Access-Control-Allow-Headers"), "x-amz-target");
  EXPECT_EQ(answer.headers.get("Access-Control-Max-Age"), "172800");
}

TEST_F(Pipeline, TellsNothingOfItsJsonToAStranger) {
  EXPECT_EQ(handle(unsigned_request("TrentService.ListKeys", "{not json")).outcome(),
            "400 MissingAuthenticationTokenException: Missing Authentication Token");
  EXPECT_EQ(kms().call("ListKeys", "{not json").body, R"({"__type":"SerializationException"})");
}

TEST_F(Pipeline, RefusesAWrongSecret) {
  const Credentials wrong{
      .access_key_id = admin().access_key_id, .secret = "wrong", .session_token = {}};
  EXPECT_EQ(kms().call("ListKeys", "{}", wrong).outcome(),
            "400 InvalidSignatureException: The request signature we calculated does not match the "
            "signature you "
            "provided. Check your AWS Secret Access Key and signing method. Consult the service "
            "documentation for "
            "details.");
}

TEST_F(Pipeline, AnswersWithTheHeadersOfKms) {
  const Answer answer = kms().call("ListKeys", "{}");
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(answer.headers.get("x-amzn-RequestId")->size(), 36U);
  EXPECT_TRUE(answer.headers.get("Date")->ends_with(" GMT"));
  EXPECT_EQ(answer.headers.get("Cache-Control"), "no-cache, no-store, must-revalidate, private");
}

TEST(Audit, CountsWrongSignatures) {
  Harness kms;
  const Credentials guess{
      .access_key_id = alice().access_key_id, .secret = "a guess", .session_token = {}};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kms.call("ListKeys", "{}", guess).status, 400);
  kms.stop();
  const auto lines = kms.audit_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].find("additionalEventData"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find(R"("additionalEventData":{"failedSignaturesInAMinute":2},)"),
            std::string::npos)
      << lines[1];
}

TEST(Audit, NamesTheOperationThatWasAskedForEvenIfThereIsNone) {
  Harness kms;
  const auto ask = [&](const char* target, std::string_view body) {
    api::Request request;
    request.method = "POST";
    request.uri = "/";
    request.headers.add("Content-Type", "application/x-amz-json-1.1");
    request.headers.add("X-Amz-Target", target);
    request.body = SecretBytes::copy_of(body);
    return kms.handle(request).status;
  };
  EXPECT_EQ(ask("TrentService.NoSuchThing", "{}"), 400);
  EXPECT_EQ(ask("TrentService.CreateKey", ""), 400);
  EXPECT_EQ(ask("CreateKey", "{}"), 400);
  kms.stop();
  const auto lines = kms.audit_lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], testing::HasSubstr(R"("eventName":"NoSuchThing")"));
  EXPECT_THAT(lines[1], testing::HasSubstr(R"("eventName":"CreateKey")"));
  EXPECT_THAT(lines[1], testing::HasSubstr(R"("readOnly":false)"));
  EXPECT_THAT(lines[2], testing::HasSubstr(R"("eventName":"POST")"));
  EXPECT_THAT(lines[2], testing::HasSubstr(R"("readOnly":true)"));
}

TEST(Audit, TellsBothAccountsOfAUseAcrossThem) {
  Harness kms;
  const std::string key = kms.create_key(
      R"({"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\",)"
      R"(\"Principal\":{\"AWS\":[\"123456789012\",\"111122223333\"]}}]}"})");
  EXPECT_EQ(kms.call("Encrypt", "{\"KeyId\":\"" + kms.arn(key) + R"(","Plaintext":"eA=="})", bob())
                .status,
            200);
  EXPECT_EQ(kms.call("CreateGrant",
                     "{\"KeyId\":\"" + kms.arn(key) + R"(","Operations":["Encrypt"],)" +
                         R"("GranteePrincipal":"arn:aws:iam::111122223333:user/bob"})",
                     bob())
                .status,
            200);
  kms.stop();
  for (const char* event : {"Encrypt", "CreateGrant"}) {
    std::vector<std::string> lines = kms.audit_lines();
    std::erase_if(lines, [&](const std::string& line) {
      return line.find(R"("eventName":")" + std::string(event) + "\"") == std::string::npos;
    });
    EXPECT_THAT(
        lines,
        testing::ElementsAre(
            testing::AllOf(testing::HasSubstr(R"("recipientAccountId":"111122223333","shared)"),
                           testing::HasSubstr("user/bob")),
            testing::AllOf(testing::HasSubstr(R"("recipientAccountId":"123456789012","shared)"),
                           testing::HasSubstr(R"("userIdentity":{"type":"AWSAccount")"))));
  }
}

TEST(Audit, RecordsEachRequestOnceWithoutSecrets) {
  Harness kms;
  const std::string key = kms.create_key(R"({"Description":"audited"})");
  kms.ok("Encrypt",
         "{\"KeyId\":\"" + key +
             R"(","Plaintext":"c2VjcmV0LXBsYWludGV4dA==","EncryptionContext":{"a":"b"}})");
  (void)kms.call("DescribeKey", R"({"KeyId":"fake-key-id"})");
  const Answer last = kms.call("ListKeys", "{}", alice());
  kms.stop();
  const auto lines = kms.audit_lines();
  ASSERT_EQ(lines.size(), 4U);
  std::vector<rapidjson::Document> records(4);
  for (std::size_t i = 0; i < 4; ++i) {
    records[i].Parse(lines[i].c_str());
    ASSERT_TRUE(records[i].IsObject()) << lines[i];
    EXPECT_EQ(lines[i].find("c2VjcmV0"), std::string::npos);
  }
  // A mutation's record waits in the outbox, so look by name and not by position.
  const auto find = [&](const std::string& name) -> const rapidjson::Document& {
    return *std::ranges::find_if(
        records, [&](const auto& record) { return record["eventName"] == name.c_str(); });
  };
  const auto& created = find("CreateKey");
  EXPECT_THAT(
      lines,
      testing::Contains(testing::HasSubstr(
          R"("requestParameters":{"description":"audited","keyUsage":"ENCRYPT_DECRYPT",)"
          R"("customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT",)"
          R"("origin":"AWS_KMS","bypassPolicyLockoutSafetyCheck":false,"multiRegion":false})")));
  EXPECT_STREQ(created["responseElements"]["keyMetadata"]["keyId"].GetString(), key.c_str());
  EXPECT_FALSE(created["readOnly"].GetBool());
  const auto& encrypted = find("Encrypt");
  EXPECT_STREQ(encrypted["requestParameters"]["encryptionContext"]["a"].GetString(), "b");
  EXPECT_FALSE(encrypted["requestParameters"].HasMember("plaintext"));
  EXPECT_TRUE(encrypted["responseElements"].IsNull());
  EXPECT_STREQ(encrypted["resources"][0]["ARN"].GetString(), kms.arn(key).c_str());
  const auto& described = find("DescribeKey");
  EXPECT_STREQ(described["errorCode"].GetString(), "NotFoundException");
  EXPECT_STREQ(described["errorMessage"].GetString(), "Invalid keyId 'fake-key-id'");
  const auto& listed = find("ListKeys");
  EXPECT_STREQ(listed["errorCode"].GetString(), "AccessDeniedException");
  EXPECT_STREQ(listed["userIdentity"]["arn"].GetString(), "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(std::string_view(listed["requestID"].GetString()),
            last.headers.get("x-amzn-RequestId"));
}

}  // namespace
}  // namespace kms::test
