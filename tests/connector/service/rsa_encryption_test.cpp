#include <gtest/gtest.h>

#include <array>

#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

using api::EncryptionAlgorithmSpec;

constexpr const char* kInvalid = "400 InvalidCiphertextException: -";
constexpr const char* kDryRun =
    "400 DryRunOperationException: The request would have succeeded, but the DryRun option is set.";
constexpr const char* kIncorrectKey =
    "400 IncorrectKeyException: The key ID in the request does not identify a CMK that can perform "
    "this operation.";
constexpr std::array kAlgorithms{EncryptionAlgorithmSpec::rsaes_oaep_sha_1,
                                 EncryptionAlgorithmSpec::rsaes_oaep_sha_256};
constexpr std::array kSpecs{api::KeySpec::rsa_2048, api::KeySpec::rsa_3072, api::KeySpec::rsa_4096};

class RsaEncryption : public AsymmetricTest {
 protected:
  static const std::string& rsa(const std::string& spec = "RSA_2048") {
    return key(spec, "ENCRYPT_DECRYPT");
  }
  static Answer encrypt(const std::string& key, const std::string& algorithm,
                        std::string_view plaintext, const std::string& more = "") {
    return kms().call("Encrypt", "{\"KeyId\":\"" + key + "\"" +
                                     member("EncryptionAlgorithm", algorithm) +
                                     member("Plaintext", as_bytes(plaintext)) + more + "}");
  }
  static Answer decrypt(const std::string& key, const std::string& algorithm, ByteView blob,
                        const std::string& more = "") {
    return kms().call("Decrypt", "{\"KeyId\":\"" + key + "\"" +
                                     member("EncryptionAlgorithm", algorithm) +
                                     member("CiphertextBlob", blob) + more + "}");
  }
  static Bytes blob(const std::string& key, const std::string& algorithm,
                    std::string_view plaintext) {
    return bytes_at(encrypt(key, algorithm, plaintext), "CiphertextBlob");
  }
};

TEST_F(RsaEncryption, EverySpecAndAlgorithmDecryptsWhatWasEncryptedHereOrByOpenSsl) {
  for (const api::KeySpec spec : kSpecs) {
    const std::string& id = rsa(name(spec));
    const Bytes spki = public_key(id);
    for (const EncryptionAlgorithmSpec algorithm : kAlgorithms) {
      SCOPED_TRACE(name(spec) + " " + name(algorithm));
      const keys::EncryptionRow& row = keys::encryption_algorithm(algorithm);
      const std::size_t most = keys::max_plaintext(keys::key_spec(spec), row);
      for (const std::size_t size : {std::size_t{1}, most}) {
        const std::string plaintext(size, 'p');
        const Answer encrypted = encrypt(id, name(algorithm), plaintext);
        ASSERT_EQ(encrypted.outcome(), "200");
        EXPECT_EQ(encrypted.json.MemberCount(), 3U);
        EXPECT_EQ(encrypted.at("KeyId"), kms().arn(id));
        EXPECT_EQ(encrypted.at("EncryptionAlgorithm"), name(algorithm));
        const Bytes ours = bytes_at(encrypted, "CiphertextBlob");
        EXPECT_EQ(ours.size(), keys::key_spec(spec).modulus_size);
        for (const Bytes& sealed : {ours, oaep_encrypt(spki, *row.hash, as_bytes(plaintext))}) {
          const Answer decrypted = decrypt(id, name(algorithm), sealed);
          ASSERT_EQ(decrypted.outcome(), "200");
          EXPECT_EQ(decrypted.json.MemberCount(), 3U);
          EXPECT_EQ(decode_base64(decrypted.at("Plaintext")), plaintext);
          EXPECT_EQ(decrypted.at("KeyId"), kms().arn(id));
          EXPECT_EQ(decrypted.at("EncryptionAlgorithm"), name(algorithm));
        }
      }
      EXPECT_EQ(encrypt(id, name(algorithm), std::string(most + 1, 'p')).outcome(),
                "400 ValidationException: Algorithm " + name(algorithm) + " and key spec " +
                    name(spec) + " cannot encrypt data larger than " + std::to_string(most) +
                    " bytes.");
    }
  }
}

TEST_F(RsaEncryption, NeverEncryptsAlike) {
  EXPECT_NE(blob(rsa(), "RSAES_OAEP_SHA_256", "x"), blob(rsa(), "RSAES_OAEP_SHA_256", "x"));
}

TEST_F(RsaEncryption, RefusesEveryBitFlipAndEveryOtherLength) {
  for (const EncryptionAlgorithmSpec algorithm : kAlgorithms) {
    const Bytes good = blob(rsa(), name(algorithm), "secret");
    for (std::size_t i = 0; i < good.size(); i += 3) {
      Bytes flipped = good;
      flipped[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      EXPECT_EQ(decrypt(rsa(), name(algorithm), flipped).outcome(), kInvalid) << i;
    }
    for (const std::size_t size : {1U, 128U, 255U}) {
      EXPECT_EQ(decrypt(rsa(), name(algorithm), ByteView(good).first(size)).outcome(), kInvalid);
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(decrypt(rsa(), name(algorithm), longer).outcome(), kInvalid);
    EXPECT_EQ(decrypt(rsa(), name(algorithm), Bytes(256, 0xff)).outcome(), kInvalid);
    EXPECT_EQ(decrypt(rsa(), name(algorithm), Bytes(256)).outcome(), kInvalid);
    EXPECT_EQ(decrypt(rsa(), name(algorithm), Bytes(6144, 1)).outcome(), kInvalid);
  }
}

TEST_F(RsaEncryption, AnotherKeyOrAlgorithmIsABadCiphertext) {
  const Bytes good = blob(rsa(), "RSAES_OAEP_SHA_256", "secret");
  EXPECT_EQ(decrypt(rsa(), "RSAES_OAEP_SHA_1", good).outcome(), kInvalid);
  const std::string other = kms().create_key(key_of("RSA_2048", "ENCRYPT_DECRYPT"));
  EXPECT_EQ(decrypt(other, "RSAES_OAEP_SHA_256", good).outcome(), kInvalid);
}

TEST_F(RsaEncryption, TellsAMissingAlgorithmAsAwsDoes) {
  EXPECT_EQ(kms().call("Encrypt", "{\"KeyId\":\"" + rsa() + R"(","Plaintext":"eA=="})").outcome(),
            "400 InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key "
            "spec RSA_2048.");
  const Bytes good = blob(rsa(), "RSAES_OAEP_SHA_256", "secret");
  EXPECT_EQ(
      kms()
          .call("Decrypt", "{\"KeyId\":\"" + rsa() + "\"" + member("CiphertextBlob", good) + "}")
          .outcome(),
      kInvalid);
  EXPECT_EQ(kms()
                .call("Decrypt", R"({"EncryptionAlgorithm":"RSAES_OAEP_SHA_256")" +
                                     member("CiphertextBlob", good) + "}")
                .outcome(),
            "400 ValidationException: KeyId must not be null");
  const std::string symmetric = kms().create_key();
  EXPECT_EQ(decrypt(symmetric, "RSAES_OAEP_SHA_256", good).outcome(),
            "400 InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key "
            "spec SYMMETRIC_DEFAULT.");
}

TEST_F(RsaEncryption, TakesNoEncryptionContext) {
  const std::string context = R"(,"EncryptionContext":{"a":"1"})";
  EXPECT_EQ(encrypt(rsa(), "RSAES_OAEP_SHA_256", std::string(500, 'p'), context).outcome(),
            "400 ValidationException: EncryptionContext is not supported when encrypting with "
            "asymmetric CMKs.");
  EXPECT_EQ(decrypt(rsa(), "RSAES_OAEP_SHA_256", Bytes(256), context).outcome(),
            "400 ValidationException: EncryptionContext is not supported when decrypting with "
            "asymmetric CMKs.");
}

TEST_F(RsaEncryption, LooksInsideACiphertextBeforeItLooksAtTheKey) {
  const std::string symmetric = kms().create_key();
  const std::string sealed =
      kms()
          .ok("Encrypt", "{\"KeyId\":\"" + symmetric + R"(","Plaintext":"eA=="})")
          .at("CiphertextBlob");
  for (const std::string& wrong : {rsa(), key("RSA_2048", "SIGN_VERIFY")}) {
    EXPECT_EQ(kms()
                  .call("Decrypt", "{\"KeyId\":\"" + wrong + "\"" +
                                       member("CiphertextBlob", std::string_view(sealed)) + "}")
                  .outcome(),
              kIncorrectKey);
    EXPECT_EQ(kms()
                  .call("ReEncrypt", "{\"SourceKeyId\":\"" + wrong + "\",\"DestinationKeyId\":\"" +
                                         wrong + "\"" +
                                         member("CiphertextBlob", std::string_view(sealed)) + "}")
                  .outcome(),
              kIncorrectKey);
  }
}

TEST_F(RsaEncryption, ReEncryptsInBothDirections) {
  const std::string symmetric = kms().create_key();
  const Answer to_symmetric = kms().ok(
      "ReEncrypt", "{\"SourceKeyId\":\"" + rsa() + "\",\"DestinationKeyId\":\"" + symmetric +
                       R"(","SourceEncryptionAlgorithm":"RSAES_OAEP_SHA_1",)" +
                       R"("DestinationEncryptionContext":{"a":"1"})" +
                       member("CiphertextBlob", blob(rsa(), "RSAES_OAEP_SHA_1", "secret")) + "}");
  EXPECT_EQ(to_symmetric.json.MemberCount(), 6U);
  EXPECT_EQ(to_symmetric.at("SourceKeyId"), kms().arn(rsa()));
  EXPECT_EQ(to_symmetric.at("KeyId"), kms().arn(symmetric));
  EXPECT_EQ(to_symmetric.at("SourceEncryptionAlgorithm"), "RSAES_OAEP_SHA_1");
  EXPECT_EQ(to_symmetric.at("DestinationEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(to_symmetric.at("SourceKeyMaterialId"), "(absent)");
  EXPECT_EQ(to_symmetric.at("DestinationKeyMaterialId").size(), 64U);

  const Answer back = kms().ok(
      "ReEncrypt",
      "{\"DestinationKeyId\":\"" + rsa() +
          R"(","DestinationEncryptionAlgorithm":"RSAES_OAEP_SHA_256",)" +
          R"("SourceEncryptionContext":{"a":"1"})" +
          member("CiphertextBlob", std::string_view(to_symmetric.at("CiphertextBlob"))) + "}");
  EXPECT_EQ(back.json.MemberCount(), 6U);
  EXPECT_EQ(back.at("SourceKeyMaterialId"), to_symmetric.at("DestinationKeyMaterialId"));
  EXPECT_EQ(back.at("DestinationKeyMaterialId"), "(absent)");
  EXPECT_EQ(
      decode_base64(
          decrypt(rsa(), "RSAES_OAEP_SHA_256", bytes_at(back, "CiphertextBlob")).at("Plaintext")),
      "secret");
}

TEST_F(RsaEncryption, ReEncryptChecksTheDestination) {
  const std::string symmetric = kms().create_key();
  const std::string long_text =
      kms()
          .ok("Encrypt", "{\"KeyId\":\"" + symmetric + "\"" +
                             member("Plaintext", as_bytes(std::string(191, 'p'))) + "}")
          .at("CiphertextBlob");
  const auto outcome = [&](const std::string& more) {
    return kms()
        .call("ReEncrypt", "{\"DestinationKeyId\":\"" + rsa() + "\"" +
                               member("CiphertextBlob", std::string_view(long_text)) +
                               R"(,"DestinationEncryptionAlgorithm":"RSAES_OAEP_SHA_256")" + more +
                               "}")
        .outcome();
  };
  EXPECT_EQ(outcome(R"(,"DryRun":true)"),
            "400 ValidationException: Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot "
            "encrypt data larger than 190 bytes.");
  EXPECT_EQ(outcome(R"(,"DestinationEncryptionContext":{"a":"1"})"),
            "400 ValidationException: EncryptionContext is not supported when encrypting with "
            "asymmetric CMKs.");
}

TEST_F(RsaEncryption, DryRunsCheckEverythingButDoNothing) {
  const std::string dry = R"(,"DryRun":true)";
  const std::string ignore = R"(,"DryRun":true,"DryRunModifiers":["IGNORE_CIPHERTEXT"])";
  EXPECT_EQ(encrypt(rsa(), "RSAES_OAEP_SHA_256", "x", dry).outcome(), kDryRun);
  const Bytes good = blob(rsa(), "RSAES_OAEP_SHA_256", "x");
  EXPECT_EQ(decrypt(rsa(), "RSAES_OAEP_SHA_256", good, dry).outcome(), kDryRun);
  EXPECT_EQ(decrypt(rsa(), "RSAES_OAEP_SHA_1", good, dry).outcome(), kInvalid);
  EXPECT_EQ(decrypt(rsa(), "RSAES_OAEP_SHA_1", good, ignore).outcome(), kDryRun);
  EXPECT_EQ(kms()
                .call("ReEncrypt",
                      "{\"SourceKeyId\":\"" + rsa() + "\",\"DestinationKeyId\":\"" + rsa() +
                          R"(","SourceEncryptionAlgorithm":"RSAES_OAEP_SHA_1",)" +
                          R"("DestinationEncryptionAlgorithm":"RSAES_OAEP_SHA_1")" + ignore + "}")
                .outcome(),
            kDryRun);
  EXPECT_EQ(kms()
                .call("Decrypt", "{\"KeyId\":\"" + rsa() + "\"" + member("CiphertextBlob", good) +
                                     R"(,"DryRunModifiers":["IGNORE_CIPHERTEXT"]})")
                .outcome(),
            "400 ValidationException: DryRunModifiers can be specified only when DryRun is true.");
}

TEST_F(RsaEncryption, MakesNoDataKeys) {
  EXPECT_EQ(kms()
                .call("GenerateDataKey", "{\"KeyId\":\"" + rsa() + R"(","KeySpec":"AES_256"})")
                .outcome(),
            "400 InvalidKeyUsageException: You cannot generate a data key with an asymmetric CMK");
}

TEST_F(RsaEncryption, TellsRecordedErrors) {
  const std::string& signs = key("RSA_2048", "SIGN_VERIFY");
  EXPECT_EQ(encrypt(signs, "RSAES_OAEP_SHA_256", "hello").outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(signs) +
                " key usage is SIGN_VERIFY which is not valid for Encrypt.");
  EXPECT_EQ(kms().call("Sign", sign_body(rsa(), "RSASSA_PSS_SHA_256", as_bytes("hello"))).outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(rsa()) +
                " key usage is ENCRYPT_DECRYPT which is not valid for Sign.");
}

}  // namespace
}  // namespace kms::test
