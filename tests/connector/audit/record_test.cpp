#include "connector/audit/record.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kms::audit {
namespace {

/// What alice's DescribeKey leaves.
Record example() {
  Record record;
  record.event_id = "b2f3b7f6-2f0b-4d1c-8b47-6c8f6f0a3f10";
  record.request_id = "0d3e1d1d-6e7e-4a0e-9c38-41ab2c9a3f55";
  record.time = std::chrono::sys_days{std::chrono::year(2015) / 8 / 30} + std::chrono::hours(12) +
                std::chrono::minutes(36) + std::chrono::milliseconds(789);
  record.event_name = "DescribeKey";
  record.region = "us-east-1";
  record.source_ip = "192.0.2.1";
  record.user_agent = "aws-cli/2.9.19";
  record.caller = auth::Caller{.arn = "arn:aws:iam::123456789012:user/alice",
                               .account = "123456789012",
                               .type = "IAMUser",
                               .principal_id = "AIDAALICEEXAMPLE",
                               .user_name = "alice",
                               .access_key_id = "AKIDEXAMPLE",
                               .principal = nullptr};
  record.request_parameters = R"({"keyId":"alias/app"})";
  record.resources = {
      {.arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd", .account = "123456789012"}};
  return record;
}

TEST(Record, IsCloudTrails) {
  EXPECT_EQ(
      to_json(example()),
      R"({"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAALICEEXAMPLE",)"
      R"("arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012","accessKeyId":"AKIDEXAMPLE",)"
      R"("userName":"alice"},"eventTime":"2015-08-30T12:36:00Z","eventSource":"kms.amazonaws.com",)"
      R"("eventName":"DescribeKey","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1",)"
      R"("userAgent":"aws-cli/2.9.19","requestParameters":{"keyId":"alias/app"},"responseElements":null,)"
      R"("requestID":"0d3e1d1d-6e7e-4a0e-9c38-41ab2c9a3f55","eventID":"b2f3b7f6-2f0b-4d1c-8b47-6c8f6f0a3f10",)"
      R"("readOnly":true,"resources":[{"accountId":"123456789012","type":"AWS::KMS::Key",)"
      R"("ARN":"arn:aws:kms:us-east-1:123456789012:key/1234abcd"}],"eventType":"AwsApiCall",)"
      R"("managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"})");
}

/// 0, 1, 2 ...: ids that a test can spell.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override { std::ranges::fill(out, next_++); }

 private:
  std::uint8_t next_ = 0;
};

TEST(Record, BeginsWithWhatTellsThePieceThatACrashLeft) {
  EXPECT_TRUE(to_json(example()).starts_with(kLineBeginning));
  EXPECT_TRUE(to_json(Record{}).starts_with(kLineBeginning));
}

TEST(Record, IsOneForTheCallersAccount) {
  CountingRandom random;
  EXPECT_EQ(to_lines(example(), random), std::vector<std::string>{to_json(example())});
}

TEST(Record, IsOneForTheKeysAccountToo) {
  Record record = example();
  record.recipient_account = "123456789012";
  record.decisions = {
      {.action = "kms:DescribeKey", .allowed = true, .policy = "own", .statement = "Mine"},
      {.action = "kms:DescribeKey",
       .allowed = true,
       .policy = "key policy",
       .statement = "Theirs",
       .account = "111122223333"}};
  record.resources.push_back(
      {.arn = "arn:aws:kms:us-east-1:111122223333:key/5678", .account = "111122223333"});
  CountingRandom random;
  const std::vector<std::string> lines = to_lines(record, random);
  ASSERT_EQ(lines.size(), 2U);
  record.shared_event_id = "00000000-0000-4000-8000-000000000000";
  EXPECT_EQ(lines[0], to_json(record));
  EXPECT_EQ(
      lines[1],
      R"({"eventVersion":"1.11","userIdentity":{"type":"AWSAccount","principalId":"AIDAALICEEXAMPLE",)"
      R"("accountId":"123456789012"},"eventTime":"2015-08-30T12:36:00Z","eventSource":"kms.amazonaws.com",)"
      R"("eventName":"DescribeKey","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1",)"
      R"("userAgent":"aws-cli/2.9.19","requestParameters":{"keyId":"alias/app"},"responseElements":null,)"
      R"("additionalEventData":{"authorization":[{"action":"kms:DescribeKey","effect":"Allow",)"
      R"("policy":"key policy","statement":"Theirs"}]},)"
      R"("requestID":"0d3e1d1d-6e7e-4a0e-9c38-41ab2c9a3f55","eventID":"01010101-0101-4101-8101-010101010101",)"
      R"("readOnly":true,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key",)"
      R"("ARN":"arn:aws:kms:us-east-1:111122223333:key/5678"}],"eventType":"AwsApiCall",)"
      R"("managementEvent":true,"recipientAccountId":"111122223333",)"
      R"("sharedEventID":"00000000-0000-4000-8000-000000000000","eventCategory":"Management"})");
}

TEST(Record, OfARefusalIsTheCallersOnly) {
  Record record = example();
  record.error_code = "AccessDeniedException";
  record.resources = {
      {.arn = "arn:aws:kms:us-east-1:111122223333:key/5678", .account = "111122223333"}};
  CountingRandom random;
  EXPECT_EQ(to_lines(record, random), std::vector<std::string>{to_json(record)});
}

TEST(Record, TellsOfARefusalOverTls) {
  Record record = example();
  record.event_name = "UpdateAlias";
  record.read_only = false;
  record.error_code = "NotFoundException";
  record.error_message = "Alias \"x\" is not found.";
  record.additional_event_data = {{"clusterId", R"("cluster-abcdefg2345")"}, {"count", "2"}};
  record.resources.push_back(
      {.arn = "arn:aws:kms:us-east-1:123456789012:alias/x", .account = "123456789012"});
  record.tls = api::TlsInfo{.version = "TLSv1.3",
                            .cipher = "TLS_AES_128_GCM_SHA256",
                            .server_name = "sni",
                            .key_exchange = "x25519"};
  record.host = "localhost:8443";
  EXPECT_EQ(
      to_json(record),
      R"({"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAALICEEXAMPLE",)"
      R"("arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012","accessKeyId":"AKIDEXAMPLE",)"
      R"("userName":"alice"},"eventTime":"2015-08-30T12:36:00Z","eventSource":"kms.amazonaws.com",)"
      R"("eventName":"UpdateAlias","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1",)"
      R"("userAgent":"aws-cli/2.9.19","errorCode":"NotFoundException","errorMessage":"Alias \"x\" is not found.",)"
      R"("requestParameters":{"keyId":"alias/app"},"responseElements":null,)"
      R"("additionalEventData":{"clusterId":"cluster-abcdefg2345","count":2},)"
      R"("requestID":"0d3e1d1d-6e7e-4a0e-9c38-41ab2c9a3f55","eventID":"b2f3b7f6-2f0b-4d1c-8b47-6c8f6f0a3f10",)"
      R"("readOnly":false,"resources":[{"accountId":"123456789012","type":"AWS::KMS::Key",)"
      R"("ARN":"arn:aws:kms:us-east-1:123456789012:key/1234abcd"},{"accountId":"123456789012",)"
      R"("type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-east-1:123456789012:alias/x"}],"eventType":"AwsApiCall",)"
      R"("managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management",)"
      R"("tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",)"
      R"("clientProvidedHostHeader":"localhost:8443","keyExchange":"x25519"}})");
}

TEST(Record, OfAStrangerHasTheClaimedAccessKeyOnly) {
  Record record = example();
  record.caller.reset();
  record.access_key_id = "AKIDNOBODY";
  record.error_code = "UnrecognizedClientException";
  record.request_parameters = "null";
  record.resources.clear();
  const std::string line = to_json(record);
  EXPECT_NE(line.find(R"("userIdentity":{"type":"Unknown","accessKeyId":"AKIDNOBODY"},)"),
            std::string::npos);
  EXPECT_NE(line.find(R"("errorCode":"UnrecognizedClientException","requestParameters":null)"),
            std::string::npos);
  EXPECT_NE(line.find(R"("readOnly":true,"resources":[],"eventType")"), std::string::npos);
  EXPECT_EQ(line.find("recipientAccountId"), std::string::npos);
  record.access_key_id.clear();
  EXPECT_NE(to_json(record).find(R"("userIdentity":{"type":"Unknown"},)"), std::string::npos);
}

TEST(Record, OfTheRootUserHasNoUserName) {
  Record record = example();
  record.caller->arn = "arn:aws:iam::123456789012:root";
  record.caller->type = "Root";
  record.caller->principal_id = "123456789012";
  record.caller->user_name.clear();
  EXPECT_NE(
      to_json(record).find(R"("userIdentity":{"type":"Root","principalId":"123456789012",)"
                           R"("arn":"arn:aws:iam::123456789012:root","accountId":"123456789012",)"
                           R"("accessKeyId":"AKIDEXAMPLE"},)"),
      std::string::npos);
}

TEST(Record, OfARoleSessionTellsItsRole) {
  Record record = example();
  auto role = std::make_shared<auth::Principal>();
  role->type = auth::Principal::Type::role;
  role->arn = "arn:aws:iam::123456789012:role/team/app";
  role->account = "123456789012";
  role->name = "app";
  role->unique_id = "AROAAPPEXAMPLE";
  auto session = std::make_shared<auth::Session>();
  session->name = "ci";
  session->issued = record.time - std::chrono::hours(1);
  record.caller = auth::Caller{.arn = "arn:aws:sts::123456789012:assumed-role/app/ci",
                               .account = "123456789012",
                               .type = "AssumedRole",
                               .principal_id = "AROAAPPEXAMPLE:ci",
                               .user_name = "",
                               .access_key_id = "ASIAEXAMPLE",
                               .principal = role,
                               .session = session};
  EXPECT_NE(
      to_json(record).find(
          R"("userIdentity":{"type":"AssumedRole","principalId":"AROAAPPEXAMPLE:ci",)"
          R"("arn":"arn:aws:sts::123456789012:assumed-role/app/ci","accountId":"123456789012",)"
          R"("accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role",)"
          R"("principalId":"AROAAPPEXAMPLE","arn":"arn:aws:iam::123456789012:role/team/app",)"
          R"("accountId":"123456789012","userName":"app"},"attributes":{)"
          R"("creationDate":"2015-08-30T11:36:00Z","mfaAuthenticated":"false"}}},)"),
      std::string::npos)
      << to_json(record);
}

TEST(Record, OfAUsersSessionTellsWhenItBegan) {
  Record record = example();
  auto session = std::make_shared<auth::Session>();
  session->issued = record.time;
  record.caller->session = session;
  record.caller->principal = std::make_shared<auth::Principal>();
  EXPECT_NE(to_json(record).find(
                R"("userName":"alice","sessionContext":{"attributes":{)"
                R"("creationDate":"2015-08-30T12:36:00Z","mfaAuthenticated":"false"}}},)"),
            std::string::npos)
      << to_json(record);
}

TEST(Record, OfAChangeWithoutKeyHasNoResources) {
  Record record = example();
  record.read_only = false;
  record.resources.clear();
  EXPECT_NE(to_json(record).find(R"("readOnly":false,"eventType":"AwsApiCall")"),
            std::string::npos);
}

TEST(Record, OfAJobIsAServiceEvent) {
  Record record;
  record.event_id = "b2f3b7f6-2f0b-4d1c-8b47-6c8f6f0a3f10";
  record.event_name = "DeleteKey";
  record.region = "us-east-1";
  record.read_only = false;
  record.event_type = "AwsServiceEvent";
  record.recipient_account = "123456789012";
  record.service_event_details = R"({"keyId":"1234abcd"})";
  record.resources = {
      {.arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd", .account = "123456789012"}};
  EXPECT_EQ(
      to_json(record),
      R"({"eventVersion":"1.11","userIdentity":{"accountId":"123456789012","invokedBy":"AWS Internal"},)"
      R"("eventTime":"1970-01-01T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"DeleteKey",)"
      R"("awsRegion":"us-east-1","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal",)"
      R"("requestParameters":null,"responseElements":null,"eventID":"b2f3b7f6-2f0b-4d1c-8b47-6c8f6f0a3f10",)"
      R"("readOnly":false,"resources":[{"accountId":"123456789012","type":"AWS::KMS::Key",)"
      R"("ARN":"arn:aws:kms:us-east-1:123456789012:key/1234abcd"}],"eventType":"AwsServiceEvent",)"
      R"("managementEvent":true,"recipientAccountId":"123456789012","serviceEventDetails":{"keyId":"1234abcd"},)"
      R"("eventCategory":"Management"})");
}

TEST(Record, IsOneLineWhateverTheClientSends) {
  Record record = example();
  record.user_agent = std::string("a\nb\"\\\0c\xff", 8);
  record.event_name = "X\r\n";
  record.host = "h\nost";
  const std::string line = to_json(record);
  EXPECT_EQ(line.find_first_of(std::string_view("\n\r\0", 3)), std::string::npos);
  EXPECT_NE(line.find("\"userAgent\":\"a\\nb\\\"\\\\\\u0000c\xEF\xBF\xBD\""), std::string::npos);
  EXPECT_NE(line.find(R"("eventName":"X\r\n")"), std::string::npos);
  EXPECT_NE(line.find(R"("tlsDetails":{"clientProvidedHostHeader":"h\nost"})"), std::string::npos);
}

TEST(Record, KeepsLongTextsAsShortAsCloudTrailDoes) {
  Record record = example();
  record.user_agent = std::string(1023, 'u') + "\xC3\xBC" + "rest";
  record.error_code = "ValidationException";
  record.error_message = std::string(5000, 'e');
  record.event_name = std::string(5000, 'n');
  record.host = std::string(5000, 'h');
  const std::string line = to_json(record);
  EXPECT_NE(line.find("\"" + std::string(1023, 'u') + "\""), std::string::npos);
  EXPECT_NE(line.find("\"" + std::string(1024, 'e') + "\""), std::string::npos);
  EXPECT_NE(line.find("\"" + std::string(128, 'n') + "\""), std::string::npos);
  EXPECT_NE(line.find("\"" + std::string(255, 'h') + "\""), std::string::npos);
}

}  // namespace
}  // namespace kms::audit
