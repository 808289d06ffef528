#include "connector/api/redact.h"

#include <gtest/gtest.h>

#include "connector/api/shapes.h"
#include "tests/connector/api/decoding.h"

// What the audit record tells (spec/kms_behaviour.md, f).
namespace kms::api {
namespace {

template <class Request>
std::string told(const char* body) {
  return request_parameters(decode_text<Request>(body));
}

TEST(RequestParameters, LeaveOutPlaintextAndTokens) {
  EXPECT_EQ(
      told<EncryptRequest>(
          R"({"KeyId":"alias/a","Plaintext":"c2VjcmV0","EncryptionContext":{"a":"b"},)"
          R"("GrantTokens":["t"],"EncryptionAlgorithm":"SYMMETRIC_DEFAULT"})"),
      R"({"keyId":"alias/a","encryptionContext":{"a":"b"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"})");
  EXPECT_EQ(told<DecryptRequest>(R"({"CiphertextBlob":"c2VjcmV0"})"),
            R"({"encryptionAlgorithm":"SYMMETRIC_DEFAULT"})");
  EXPECT_EQ(
      told<SignRequest>(
          R"({"KeyId":"k","Message":"aGk=","MessageType":"RAW","SigningAlgorithm":"SM2DSA"})"),
      R"({"keyId":"k","messageType":"RAW","signingAlgorithm":"SM2DSA"})");
  EXPECT_EQ(told<VerifyMacRequest>(
                R"({"Message":"aGk=","KeyId":"k","MacAlgorithm":"HMAC_SHA_256","Mac":"aGk="})"),
            R"({"keyId":"k","macAlgorithm":"HMAC_SHA_256"})");
  EXPECT_EQ(
      told<ImportKeyMaterialRequest>(
          R"({"KeyId":"k","ImportToken":"aGk=","EncryptedKeyMaterial":"aGk=",)"
          R"("ValidTo":1660171107,"ExpirationModel":"KEY_MATERIAL_EXPIRES"})"),
      R"({"keyId":"k","validTo":"Aug 10, 2022, 10:38:27 PM","expirationModel":"KEY_MATERIAL_EXPIRES"})");
  EXPECT_EQ(told<RetireGrantRequest>(R"({"GrantToken":"t"})"), "null");
  EXPECT_EQ(told<RetireGrantRequest>(R"({"KeyId":"k","GrantId":"g"})"),
            R"({"keyId":"k","grantId":"g"})");
}

TEST(RequestParameters, LeaveOutPasswordsAndCertificates) {
  EXPECT_EQ(
      told<CreateCustomKeyStoreRequest>(
          R"({"CustomKeyStoreName":"s","CloudHsmClusterId":"cluster-abcdefg2345","TrustAnchorCertificate":"c",)"
          R"("KeyStorePassword":"kmsPswd-1"})"),
      R"({"customKeyStoreName":"s","cloudHsmClusterId":"cluster-abcdefg2345"})");
  EXPECT_EQ(
      told<UpdateCustomKeyStoreRequest>(
          R"({"CustomKeyStoreId":"cks-1","XksProxyUriEndpoint":"https://example.com",)"
          R"("XksProxyAuthenticationCredential":{"AccessKeyId":"ABCDEFGHIJKLMNOPQRST","RawSecretAccessKey":)"
          R"("0123456789012345678901234567890123456789abc"}})"),
      R"({"customKeyStoreId":"cks-1","xksProxyUriEndpoint":"https://example.com"})");
}

TEST(RequestParameters, KeepPoliciesTagsAndConstraints) {
  EXPECT_EQ(
      told<PutKeyPolicyRequest>(R"({"KeyId":"k","PolicyName":"default","Policy":"{\"a\":1}"})"),
      R"({"keyId":"k","policyName":"default","policy":"{\"a\":1}"})");
  EXPECT_EQ(
      told<CreateKeyRequest>(R"({"Tags":[{"TagKey":"a","TagValue":""}],"MultiRegion":false})"),
      R"({"description":"","bypassPolicyLockoutSafetyCheck":false,)"
      R"("tags":[{"tagKey":"a","tagValue":""}],"multiRegion":false})");
  EXPECT_EQ(told<CreateGrantRequest>(
                R"({"KeyId":"k","GranteePrincipal":"p","Operations":["Decrypt","ReEncryptTo"],)"
                R"("Constraints":{"EncryptionContextSubset":{"a":"b"}},"Name":"n"})"),
            R"({"keyId":"k","granteePrincipal":"p","operations":["Decrypt","ReEncryptTo"],)"
            R"("constraints":{"encryptionContextSubset":{"a":"b"}},"name":"n"})");
}

TEST(RequestParameters, AreNullWhenNothingIsTold) {
  EXPECT_EQ(told<ListKeysRequest>("{}"), "null");
  EXPECT_EQ(told<ListKeysRequest>(R"({"Limit":1})"), R"({"limit":1})");
  EXPECT_EQ(told<GenerateRandomRequest>(R"({"NumberOfBytes":32})"), "null");
}

TEST(ResponseElements, AreNullForWhatOnlyReads) {
  EXPECT_EQ(response_elements(EncryptResponse{.ciphertext_blob = Blob(Bytes{1}), .key_id = "k"}),
            "null");
  EXPECT_EQ(response_elements(
                GenerateDataKeyResponse{.plaintext = SecretBytes::copy_of("x"), .key_id = "k"}),
            "null");
  EXPECT_EQ(response_elements(DescribeKeyResponse{.key_metadata = KeyMetadata{.key_id = "k"}}),
            "null");
  EXPECT_EQ(response_elements(NoOutput{}), "null");
  EXPECT_EQ(response_elements(ConnectCustomKeyStoreResponse{}), "null");
}

TEST(ResponseElements, TellWhatChanged) {
  const Timestamp midnight(std::chrono::milliseconds(1660089600000));
  EXPECT_EQ(
      response_elements(
          CreateKeyResponse{.key_metadata = KeyMetadata{.aws_account_id = "123456789012",
                                                        .key_id = "k",
                                                        .creation_date = midnight}}),
      R"({"keyMetadata":{"aWSAccountId":"123456789012","keyId":"k","creationDate":"Aug 10, 2022, 12:00:00 AM"}})");
  EXPECT_EQ(response_elements(CreateGrantResponse{.grant_token = "t", .grant_id = "g"}),
            R"({"grantId":"g"})");
  EXPECT_EQ(
      response_elements(ScheduleKeyDeletionResponse{.key_id = "k",
                                                    .deletion_date = midnight,
                                                    .key_state = KeyState::pending_deletion,
                                                    .pending_window_in_days = 7}),
      R"({"keyId":"k","deletionDate":"Aug 10, 2022, 12:00:00 AM","keyState":"PendingDeletion",)"
      R"("pendingWindowInDays":7})");
  EXPECT_EQ(response_elements(CreateCustomKeyStoreResponse{.custom_key_store_id = "cks-1"}),
            R"({"customKeyStoreId":"cks-1"})");
}

TEST(CloudtrailDate, IsTwelveHoured) {
  const auto date = [](std::int64_t seconds) {
    return cloudtrail_date(Timestamp(std::chrono::seconds(seconds)));
  };
  EXPECT_EQ(date(1660171107), "Aug 10, 2022, 10:38:27 PM");
  EXPECT_EQ(date(1660132799), "Aug 10, 2022, 11:59:59 AM");
  EXPECT_EQ(date(1660132800), "Aug 10, 2022, 12:00:00 PM");
  EXPECT_EQ(date(0), "Jan 1, 1970, 12:00:00 AM");
  EXPECT_EQ(date(-1), "Dec 31, 1969, 11:59:59 PM");
}

}  // namespace
}  // namespace kms::api
