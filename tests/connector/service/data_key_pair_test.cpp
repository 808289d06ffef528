#include <gtest/gtest.h>

#include <utility>

#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

class DataKeyPairs : public AsymmetricTest {
 protected:
  static std::string body(const std::string& key, const std::string& spec,
                          const std::string& more = "") {
    return "{\"KeyId\":\"" + key + "\"" + member("KeyPairSpec", spec) + more + "}";
  }
  static Answer decrypt(const Answer& pair, const std::string& more = "") {
    return kms().call("Decrypt", "{\"CiphertextBlob\":\"" + pair.at("PrivateKeyCiphertextBlob") +
                                     "\"" + more + "}");
  }
};

TEST_F(DataKeyPairs, OfEverySpec) {
  const std::string id = kms().create_key();
  for (const auto& [spec, bits] :
       {std::pair{"RSA_2048", 2048}, std::pair{"RSA_3072", 3072}, std::pair{"RSA_4096", 4096},
        std::pair{"ECC_NIST_P256", 256}, std::pair{"ECC_NIST_P384", 384},
        std::pair{"ECC_NIST_P521", 521}, std::pair{"ECC_SECG_P256K1", 256},
        std::pair{"ECC_NIST_EDWARDS25519", 256}}) {
    SCOPED_TRACE(spec);
    const Answer pair = kms().call("GenerateDataKeyPair", body(id, spec));
    ASSERT_EQ(pair.outcome(), "200");
    EXPECT_EQ(pair.json.MemberCount(), 6U);
    EXPECT_EQ(pair.at("KeyId"), kms().arn(id));
    EXPECT_EQ(pair.at("KeyPairSpec"), spec);
    EXPECT_EQ(pair.at("KeyMaterialId").size(), 64U);
    const Bytes spki = bytes_at(pair, "PublicKey");
    EXPECT_EQ(key_bits(spki), bits);
    EXPECT_EQ(public_key_of(bytes_at(pair, "PrivateKeyPlaintext")), spki);
    EXPECT_EQ(decrypt(pair).at("Plaintext"), pair.at("PrivateKeyPlaintext"));
  }
}

TEST_F(DataKeyPairs, WithoutPlaintext) {
  const std::string id = kms().create_key();
  const std::string context = R"(,"EncryptionContext":{"a":"1"})";
  const Answer pair =
      kms().ok("GenerateDataKeyPairWithoutPlaintext", body(id, "ECC_NIST_P256", context));
  EXPECT_EQ(pair.json.MemberCount(), 5U);
  EXPECT_EQ(pair.at("PrivateKeyPlaintext"), "(absent)");
  EXPECT_EQ(decrypt(pair).outcome(), "400 InvalidCiphertextException: -");
  EXPECT_EQ(public_key_of(bytes_at(decrypt(pair, context), "Plaintext")),
            bytes_at(pair, "PublicKey"));
}

TEST_F(DataKeyPairs, NeedASymmetricKey) {
  for (const char* operation : {"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}) {
    EXPECT_EQ(
        kms().call(operation, body(key("RSA_2048", "ENCRYPT_DECRYPT"), "RSA_2048")).outcome(),
        "400 InvalidKeyUsageException: You cannot generate a data key with an asymmetric CMK");
    const std::string& macs = key("HMAC_256", "GENERATE_VERIFY_MAC");
    EXPECT_EQ(kms().call(operation, body(macs, "RSA_2048")).outcome(),
              "400 InvalidKeyUsageException: " + kms().arn(macs) +
                  " key usage is GENERATE_VERIFY_MAC which is not valid for " + operation + ".");
  }
}

TEST_F(DataKeyPairs, AreRefusedInACustomKeyStoreAndForSm2) {
  const std::string store = kms().connected_store();
  const std::string custom =
      kms().create_key(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}");
  EXPECT_EQ(kms().call("GenerateDataKeyPair", body(custom, "RSA_2048")).outcome(),
            "400 UnsupportedOperationException: " + kms().arn(custom) +
                " origin is AWS_CLOUDHSM which is not valid for this operation.");
  EXPECT_EQ(kms().call("GenerateDataKeyPair", body(kms().create_key(), "SM2")).outcome(),
            "400 UnsupportedOperationException: KeyPairSpec SM2 is not supported in this Region");
}

TEST_F(DataKeyPairs, DryRunAndRecipient) {
  const std::string id = kms().create_key();
  const std::string dry =
      "400 DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.";
  EXPECT_EQ(
      kms()
          .call("GenerateDataKeyPairWithoutPlaintext", body(id, "RSA_2048", R"(,"DryRun":true)"))
          .outcome(),
      dry);
  EXPECT_EQ(kms().call("GenerateDataKeyPair", body(id, "RSA_2048", R"(,"DryRun":true)")).outcome(),
            dry);
  EXPECT_EQ(kms()
                .call("GenerateDataKeyPair",
                      body(id, "RSA_2048",
                           R"(,"Recipient":{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256",)"
                           R"("AttestationDocument":"AA=="})"))
                .at("__type"),
            "UnsupportedOperationException");
}

}  // namespace
}  // namespace kms::test
