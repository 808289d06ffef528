#include "connector/api/encode.h"

#include <gtest/gtest.h>

#include "connector/api/shapes.h"

namespace kms::api {
namespace {

template <class Output>
std::string text(const Output& output) {
  return std::string(encode(output).text());
}

Timestamp at(std::int64_t milliseconds) {
  return Timestamp(std::chrono::milliseconds(milliseconds));
}

TEST(Encode, OmitsWhatIsAbsent) {
  EXPECT_EQ(text(EncryptResponse{}), "{}");
  EXPECT_EQ(text(ConnectCustomKeyStoreResponse{}), "{}");
  EXPECT_EQ(text(ListKeysResponse{.truncated = false}), R"({"Truncated":false})");
  EXPECT_EQ(text(ListKeysResponse{.keys = std::vector<KeyListEntry>{}, .truncated = false}),
            R"({"Keys":[],"Truncated":false})");
}

TEST(Encode, AnswersNothingWithoutAnOutputShape) { EXPECT_EQ(encode(NoOutput{}).size(), 0U); }

TEST(Encode, WritesBlobsAsBase64) {
  EXPECT_EQ(
      text(EncryptResponse{.ciphertext_blob = Blob(Bytes{0xfb, 0xff, 0xfe}),
                           .key_id = "arn:aws:kms:us-east-1:123456789012:key/k",
                           .encryption_algorithm = EncryptionAlgorithmSpec::symmetric_default}),
      R"({"CiphertextBlob":"+//+","KeyId":"arn:aws:kms:us-east-1:123456789012:key/k",)"
      R"("EncryptionAlgorithm":"SYMMETRIC_DEFAULT"})");
  EXPECT_EQ(text(GenerateRandomResponse{.plaintext = SecretBytes::copy_of("a")}),
            R"({"Plaintext":"YQ=="})");
  EXPECT_EQ(text(GenerateRandomResponse{.plaintext = SecretBytes::copy_of("ab")}),
            R"({"Plaintext":"YWI="})");
  EXPECT_EQ(text(GenerateRandomResponse{.plaintext = SecretBytes{}}), R"({"Plaintext":""})");
}

TEST(Encode, WritesTimestampsAsEpochSeconds) {
  const auto started = [](std::int64_t milliseconds) {
    return text(GetKeyLastUsageResponse{.tracking_start_date = at(milliseconds)});
  };
  EXPECT_EQ(started(1609193147831), R"({"TrackingStartDate":1609193147.831})");
  EXPECT_EQ(started(1609193147830), R"({"TrackingStartDate":1609193147.83})");
  EXPECT_EQ(started(1609193147800), R"({"TrackingStartDate":1609193147.8})");
  EXPECT_EQ(started(1609193147000), R"({"TrackingStartDate":1609193147})");
  EXPECT_EQ(started(1609193147001), R"({"TrackingStartDate":1609193147.001})");
  EXPECT_EQ(started(0), R"({"TrackingStartDate":0})");
  EXPECT_EQ(started(-1), R"({"TrackingStartDate":-0.001})");
}

TEST(Encode, EscapesText) {
  EXPECT_EQ(text(GetKeyPolicyResponse{.policy = "\"\\/\b\f\n\r\t\x01\x1f\x7f\u00e4\U0001F600"}),
            "{\"Policy\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\u00e4\U0001F600\"}");
  EXPECT_EQ(text(GetKeyPolicyResponse{.policy = std::string("a\0b", 3)}),
            R"({"Policy":"a\u0000b"})");
  EXPECT_EQ(text(GetKeyPolicyResponse{.policy = "a\xff"}), "{\"Policy\":\"a\uFFFD\"}");
}

TEST(Encode, WritesANestedAnswer) {
  DescribeKeyResponse response;
  response.key_metadata =
      KeyMetadata{.aws_account_id = "123456789012",
                  .key_id = "k",
                  .creation_date = at(1000),
                  .enabled = true,
                  .key_state = KeyState::enabled,
                  .encryption_algorithms = {{EncryptionAlgorithmSpec::symmetric_default}},
                  .pending_deletion_window_in_days = 7};
  EXPECT_EQ(text(response),
            R"({"KeyMetadata":{"AWSAccountId":"123456789012","KeyId":"k","CreationDate":1,)"
            R"("Enabled":true,"KeyState":"Enabled","EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],)"
            R"("PendingDeletionWindowInDays":7}})");
}

TEST(EncodeError, SpellsTheMessageAsAwsDoes) {
  const auto body = [](const Error& error) { return std::string(encode_error(error).text()); };
  EXPECT_EQ(body(not_found("Key 'x' does not exist")),
            R"({"__type":"NotFoundException","message":"Key 'x' does not exist"})");
  EXPECT_EQ(body(validation_error("\"")), R"({"__type":"ValidationException","message":"\""})");
  EXPECT_EQ(body(access_denied("no")), R"({"__type":"AccessDeniedException","Message":"no"})");
  EXPECT_EQ(body(Error(ErrorCode::serialization, "no")),
            R"({"__type":"SerializationException","Message":"no"})");
  EXPECT_EQ(body(Error(ErrorCode::invalid_ciphertext)),
            R"({"__type":"InvalidCiphertextException"})");
  EXPECT_EQ(body(Error(ErrorCode::unknown_operation)), R"({"__type":"UnknownOperationException"})");
  EXPECT_EQ(body(Error(ErrorCode::invalid_signature, "no")),
            R"({"__type":"InvalidSignatureException","message":"no"})");
}

TEST(ErrorCodes, AreClientErrorsExceptForTheFaults) {
  EXPECT_EQ(Error(ErrorCode::kms_internal).http_status(), 500);
  EXPECT_EQ(Error(ErrorCode::key_unavailable).http_status(), 500);
  EXPECT_EQ(Error(ErrorCode::dependency_timeout).http_status(), 503);
  EXPECT_EQ(Error(ErrorCode::service_unavailable).http_status(), 503);
  for (const ErrorCode code :
       {ErrorCode::not_found, ErrorCode::already_exists, ErrorCode::disabled,
        ErrorCode::kms_invalid_state, ErrorCode::dry_run_operation, ErrorCode::access_denied,
        ErrorCode::validation, ErrorCode::throttling, ErrorCode::serialization,
        ErrorCode::invalid_signature, ErrorCode::unknown_operation, ErrorCode::conflict}) {
    EXPECT_EQ(Error(code).http_status(), 400) << info(code).code;
  }
}

TEST(ErrorCodes, KeepAwsNames) {
  EXPECT_EQ(Error(ErrorCode::kms_invalid_state).wire_code(), "KMSInvalidStateException");
  EXPECT_EQ(Error(ErrorCode::custom_key_store_has_cmks).wire_code(),
            "CustomKeyStoreHasCMKsException");
  EXPECT_EQ(Error(ErrorCode::tag).wire_code(), "TagException");
  EXPECT_STREQ(Error(ErrorCode::tag).what(), "TagException");
  EXPECT_STREQ(Error(ErrorCode::tag, "Too many tags").what(), "Too many tags");
}

}  // namespace
}  // namespace kms::api
