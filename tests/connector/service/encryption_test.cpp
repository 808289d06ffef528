#include <gtest/gtest.h>

#include "connector/base/encodings.h"
#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

class Encryption : public ServiceTest {
 protected:
  std::string encrypt(const std::string& key, std::string_view plaintext,
                      std::string_view more = "") {
    return kms()
        .ok("Encrypt", "{\"KeyId\":\"" + key + "\",\"Plaintext\":" + base64_json(plaintext) +
                           std::string(more) + "}")
        .at("CiphertextBlob");
  }
  Answer decrypt(const std::string& blob, std::string_view more = "") {
    return kms().call("Decrypt", "{\"CiphertextBlob\":\"" + blob + "\"" + std::string(more) + "}");
  }
};

TEST_F(Encryption, DecryptsWhatItEncrypted) {
  const std::string key = kms().create_key();
  const Answer encrypted = kms().ok(
      "Encrypt", "{\"KeyId\":\"" + key + "\",\"Plaintext\":" + base64_json("attack at dawn") + "}");
  EXPECT_EQ(encrypted.at("KeyId"), kms().arn(key));
  EXPECT_EQ(encrypted.at("EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(encrypted.json.MemberCount(), 3U);
  const Answer decrypted = decrypt(encrypted.at("CiphertextBlob"));
  EXPECT_EQ(decrypted.outcome(), "200");
  EXPECT_EQ(decode_base64(decrypted.at("Plaintext")), "attack at dawn");
  EXPECT_EQ(decrypted.at("KeyId"), kms().arn(key));
  EXPECT_EQ(decrypted.at("EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(decrypted.at("KeyMaterialId"), kms()
                                               .ok("DescribeKey", "{\"KeyId\":\"" + key + "\"}")
                                               .at("KeyMetadata.CurrentKeyMaterialId"));
}

TEST_F(Encryption, BindsTheContextInAnyOrder) {
  const std::string key = kms().create_key();
  const std::string blob = encrypt(key, "x", R"(,"EncryptionContext":{"a":"1","b":"2"})");
  EXPECT_EQ(decrypt(blob, R"(,"EncryptionContext":{"b":"2","a":"1"})").outcome(), "200");
  EXPECT_EQ(decrypt(blob).outcome(), "400 InvalidCiphertextException: -");
  EXPECT_EQ(decrypt(blob, R"(,"EncryptionContext":{"a":"1","B":"2"})").outcome(),
            "400 InvalidCiphertextException: -");
}

TEST_F(Encryption, RefusesEveryBitFlipAndTruncation) {
  const std::string key = kms().create_key();
  const Bytes blob = *from_base64(encrypt(key, "x"));
  const auto by_key = ",\"KeyId\":\"" + key + "\"";
  for (std::size_t i = 0; i < blob.size(); ++i) {
    Bytes flipped = blob;
    flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ 1U << (i % 8));
    const std::string outcome = decrypt(to_base64(flipped), by_key).outcome();
    EXPECT_TRUE(
        outcome == "400 InvalidCiphertextException: -" ||
        outcome ==
            "400 IncorrectKeyException: The key ID in the request does not identify a CMK that can "
            "perform this operation.")
        << i << " " << outcome;
  }
  for (std::size_t size = 1; size < blob.size(); size += 7) {
    EXPECT_EQ(decrypt(to_base64(ByteView(blob).first(size)), by_key).outcome(),
              "400 InvalidCiphertextException: -")
        << size;
  }
}

TEST_F(Encryption, TellsAnotherKeysCiphertextApart) {
  const std::string one = kms().create_key();
  const std::string other = kms().create_key();
  EXPECT_EQ(decrypt(encrypt(one, "x"), ",\"KeyId\":\"" + other + "\"").outcome(),
            "400 IncorrectKeyException: The key ID in the request does not identify a CMK that can "
            "perform this "
            "operation.");
}

TEST_F(Encryption, TakesEveryFormOfKeyReference) {
  const std::string key = kms().create_key();
  kms().ok("CreateAlias", "{\"AliasName\":\"alias/forms\",\"TargetKeyId\":\"" + key + "\"}");
  for (const std::string& reference :
       {key, kms().arn(key), std::string("alias/forms"),
        std::string("arn:aws:kms:us-east-1:123456789012:alias/forms")}) {
    const std::string blob = encrypt(reference, "x");
    EXPECT_EQ(decrypt(blob, ",\"KeyId\":\"" + reference + "\"").outcome(), "200") << reference;
  }
}

TEST_F(Encryption, AnswersForeignAndDeletedKeysOfACiphertextAlike) {
  const std::string key = kms().create_key();
  const std::string blob = encrypt(key, "x");
  const std::string refused =
      " is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext "
      "because the "
      "resource does not exist in this Region, no resource-based policies allow access, or a "
      "resource-based policy "
      "explicitly denies access";
  const std::string body = "{\"CiphertextBlob\":\"" + blob + "\"}";
  EXPECT_EQ(kms().call("Decrypt", body, alice()).outcome(),
            "400 AccessDeniedException: User: arn:aws:iam::123456789012:user/alice" + refused);
  EXPECT_EQ(kms().call("Decrypt", body, bob()).outcome(),
            "400 AccessDeniedException: User: arn:aws:iam::111122223333:user/bob" + refused);
  EXPECT_EQ(kms().call("Decrypt", body, admin(), "us-west-2").outcome(),
            "400 AccessDeniedException: User: arn:aws:iam::123456789012:user/admin" + refused);
}

TEST_F(Encryption, ReEncryptsUnderAnotherKeyAndContext) {
  const std::string from = kms().create_key();
  const std::string to = kms().create_key();
  const std::string blob = encrypt(from, "secret", R"(,"EncryptionContext":{"a":"1"})");
  const Answer answer =
      kms().ok("ReEncrypt", "{\"CiphertextBlob\":\"" + blob + "\",\"DestinationKeyId\":\"" + to +
                                R"(","SourceEncryptionContext":{"a":"1"},)"
                                R"("DestinationEncryptionContext":{"b":"2"}})");
  EXPECT_EQ(answer.at("SourceKeyId"), kms().arn(from));
  EXPECT_EQ(answer.at("KeyId"), kms().arn(to));
  EXPECT_EQ(answer.at("SourceEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(answer.at("DestinationEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(answer.at("SourceKeyMaterialId").size(), 64U);
  EXPECT_NE(answer.at("SourceKeyMaterialId"), answer.at("DestinationKeyMaterialId"));
  EXPECT_EQ(decode_base64(decrypt(answer.at("CiphertextBlob"), R"(,"EncryptionContext":{"b":"2"})")
                              .at("Plaintext")),
            "secret");
}

TEST_F(Encryption, MakesDataKeysOfEachSize) {
  const std::string key = kms().create_key();
  const auto size_of = [&](const std::string& how) {
    const Answer answer = kms().ok("GenerateDataKey", "{\"KeyId\":\"" + key + "\"," + how + "}");
    EXPECT_EQ(decode_base64(decrypt(answer.at("CiphertextBlob")).at("Plaintext")),
              decode_base64(answer.at("Plaintext")));
    return decode_base64(answer.at("Plaintext")).size();
  };
  EXPECT_EQ(size_of(R"("KeySpec":"AES_256")"), 32U);
  EXPECT_EQ(size_of(R"("KeySpec":"AES_128")"), 16U);
  EXPECT_EQ(size_of(R"("NumberOfBytes":1024)"), 1024U);
  const Answer without = kms().ok("GenerateDataKeyWithoutPlaintext",
                                  "{\"KeyId\":\"" + key + R"(","NumberOfBytes":7})");
  EXPECT_EQ(without.at("Plaintext"), "(absent)");
  EXPECT_EQ(decode_base64(decrypt(without.at("CiphertextBlob")).at("Plaintext")).size(), 7U);
}

TEST_F(Encryption, WantsExactlyOneSizeOfADataKey) {
  const std::string key = kms().create_key();
  const std::string refused =
      "400 ValidationException: Please specify either number of bytes or key spec.";
  EXPECT_EQ(kms().call("GenerateDataKey", "{\"KeyId\":\"" + key + "\"}").outcome(), refused);
  EXPECT_EQ(kms()
                .call("GenerateDataKey",
                      "{\"KeyId\":\"" + key + R"(","KeySpec":"AES_256","NumberOfBytes":1})")
                .outcome(),
            refused);
}

// The decoder takes every spec of a KMS key there, as on AWS.
TEST_F(Encryption, MakesNoDataKeyOfAnotherSpecThanAes) {
  const std::string key = kms().create_key();
  for (const char* operation : {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}) {
    for (const std::string spec : {"SYMMETRIC_DEFAULT", "RSA_2048", "HMAC_512"}) {
      EXPECT_EQ(kms()
                    .call(operation, "{\"KeyId\":\"" + key + R"(","KeySpec":")" + spec + "\"}")
                    .outcome(),
                "400 ValidationException: 1 validation error detected: Value '" + spec +
                    "' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value "
                    "set: [AES_256, AES_128]");
    }
  }
}

TEST_F(Encryption, GeneratesRandomBytes) {
  const std::string one =
      decode_base64(kms().ok("GenerateRandom", R"({"NumberOfBytes":1024})").at("Plaintext"));
  const std::string other =
      decode_base64(kms().ok("GenerateRandom", R"({"NumberOfBytes":1024})").at("Plaintext"));
  EXPECT_EQ(one.size(), 1024U);
  EXPECT_NE(one, other);
  EXPECT_EQ(kms().call("GenerateRandom", "{}").outcome(),
            "400 ValidationException: NumberOfBytes is required.");
  EXPECT_EQ(kms().call("GenerateRandom", R"({"NumberOfBytes":0})").outcome(),
            "400 ValidationException: 1 validation error detected: Value '0' at 'numberOfBytes' "
            "failed to satisfy "
            "constraint: Member must have value greater than or equal to 1");
  EXPECT_EQ(kms().call("GenerateRandom", R"({"NumberOfBytes":1025})").outcome(),
            "400 ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes' "
            "failed to satisfy "
            "constraint: Member must have value less than or equal to 1024");
}

TEST_F(Encryption, FollowsTheKeysState) {
  const std::string key = kms().create_key();
  const std::string blob = encrypt(key, "x");
  const std::string id = "{\"KeyId\":\"" + key + "\"}";
  kms().ok("DisableKey", id);
  EXPECT_EQ(decrypt(blob).outcome(), "400 DisabledException: " + kms().arn(key) + " is disabled.");
  kms().ok("EnableKey", id);
  EXPECT_EQ(decrypt(blob).outcome(), "200");
  kms().ok("ScheduleKeyDeletion", id);
  EXPECT_EQ(decrypt(blob).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(key) + " is pending deletion.");
  kms().ok("CancelKeyDeletion", id);
  kms().ok("EnableKey", id);
  EXPECT_EQ(decrypt(blob).outcome(), "200");
}

TEST_F(Encryption, DryRunChecksEverythingAndDoesNothing) {
  const std::string key = kms().create_key();
  const std::string done =
      "400 DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.";
  const std::string blob = encrypt(key, "x");
  EXPECT_EQ(kms()
                .call("Encrypt", "{\"KeyId\":\"" + key + R"(","Plaintext":"eA==","DryRun":true})")
                .outcome(),
            done);
  EXPECT_EQ(kms()
                .call("GenerateDataKey",
                      "{\"KeyId\":\"" + key + R"(","KeySpec":"AES_256","DryRun":true})")
                .outcome(),
            done);
  EXPECT_EQ(decrypt(blob, R"(,"DryRun":true)").outcome(), done);
  EXPECT_EQ(decrypt(blob, R"(,"DryRun":true,"EncryptionContext":{"a":"1"})").outcome(),
            "400 InvalidCiphertextException: -");
  EXPECT_EQ(kms()
                .call("Decrypt", "{\"KeyId\":\"" + key +
                                     R"(","DryRun":true,"DryRunModifiers":["IGNORE_CIPHERTEXT"]})")
                .outcome(),
            done);
  kms().ok("DisableKey", "{\"KeyId\":\"" + key + "\"}");
  EXPECT_EQ(decrypt(blob, R"(,"DryRun":true)").outcome(),
            "400 DisabledException: " + kms().arn(key) + " is disabled.");
  // Without the ciphertext it is about the permission, whatever the key's state.
  const std::string ignore = R"(,"DryRun":true,"DryRunModifiers":["IGNORE_CIPHERTEXT"]})";
  EXPECT_EQ(kms().call("Decrypt", "{\"KeyId\":\"" + key + "\"" + ignore).outcome(), done);
  EXPECT_EQ(kms()
                .call("ReEncrypt", "{\"SourceKeyId\":\"" + key + R"(","DestinationKeyId":")" + key +
                                       "\"" + ignore)
                .outcome(),
            done);
}

TEST_F(Encryption, RefusesARecipientInsteadOfIgnoringIt) {
  const std::string key = kms().create_key();
  const std::string recipient =
      R"("Recipient":{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256","AttestationDocument":"AA=="})";
  const std::string refused =
      "400 UnsupportedOperationException: Recipient is not supported: attestation documents are "
      "not verified yet.";
  EXPECT_EQ(kms()
                .call("GenerateDataKey",
                      "{\"KeyId\":\"" + key + R"(","KeySpec":"AES_256",)" + recipient + "}")
                .outcome(),
            refused);
  EXPECT_EQ(decrypt(encrypt(key, "x"), "," + recipient).outcome(), refused);
  EXPECT_EQ(kms().call("GenerateRandom", R"({"NumberOfBytes":1,)" + recipient + "}").outcome(),
            refused);
}

TEST_F(Encryption, RefusesAnAlgorithmThatTheKeyDoesNotHave) {
  const std::string key = kms().create_key();
  EXPECT_EQ(
      kms()
          .call("Encrypt",
                "{\"KeyId\":\"" + key +
                    R"(","Plaintext":"eA==","EncryptionAlgorithm":"RSAES_OAEP_SHA_256"})")
          .outcome(),
      "400 InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec "
      "SYMMETRIC_DEFAULT.");
}

}  // namespace
}  // namespace kms::test
