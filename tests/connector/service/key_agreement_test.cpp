#include <gtest/gtest.h>

#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

class KeyAgreement : public AsymmetricTest {
 protected:
  static std::string body(const std::string& key, ByteView peer, const std::string& more = "",
                          const std::string& algorithm = "ECDH") {
    return "{\"KeyId\":\"" + key + "\"" + member("KeyAgreementAlgorithm", algorithm) +
           member("PublicKey", peer) + more + "}";
  }
  static const std::string& agreement(const std::string& curve = "P256") {
    return key("ECC_NIST_" + curve, "KEY_AGREEMENT");
  }
};

TEST_F(KeyAgreement, EveryCurveAgreesWithOpenSsl) {
  for (const auto& [curve, group, size] :
       {std::tuple{"P256", "P-256", 32U}, std::tuple{"P384", "P-384", 48U},
        std::tuple{"P521", "P-521", 66U}}) {
    const std::string& id = agreement(curve);
    const Bytes ours = public_key(id);
    for (int i = 0; i < 4; ++i) {
      const Peer peer(group);
      const Answer answer = kms().call("DeriveSharedSecret", body(id, peer.public_key()));
      ASSERT_EQ(answer.outcome(), "200") << curve;
      EXPECT_EQ(answer.json.MemberCount(), 4U);
      EXPECT_EQ(answer.at("KeyId"), kms().arn(id));
      EXPECT_EQ(answer.at("KeyAgreementAlgorithm"), "ECDH");
      EXPECT_EQ(answer.at("KeyOrigin"), "AWS_KMS");
      EXPECT_EQ(bytes_at(answer, "SharedSecret").size(), size);
      EXPECT_EQ(bytes_at(answer, "SharedSecret"), peer.agree(ours)) << curve;
    }
  }
}

TEST_F(KeyAgreement, TwoKeysHereAgree) {
  const std::string& one = agreement();
  const std::string other = kms().create_key(key_of("ECC_NIST_P256", "KEY_AGREEMENT"));
  EXPECT_EQ(kms().ok("DeriveSharedSecret", body(one, public_key(other))).at("SharedSecret"),
            kms().ok("DeriveSharedSecret", body(other, public_key(one))).at("SharedSecret"));
}

TEST_F(KeyAgreement, RefusesAnUnusablePublicKeyWithoutAMessage) {
  const std::string& id = agreement();
  const auto outcome = [&](ByteView peer) {
    return kms().call("DeriveSharedSecret", body(id, peer)).outcome();
  };
  const std::string refused = "400 ValidationException: -";
  EXPECT_EQ(outcome(as_bytes("InvalidPublicKey")), refused);
  EXPECT_EQ(outcome(Peer("P-384").public_key()), refused);
  EXPECT_EQ(outcome(Peer("secp256k1").public_key()), refused);
  EXPECT_EQ(outcome(public_key(key("RSA_2048", "ENCRYPT_DECRYPT"))), refused);
  const Bytes good = Peer("P-256").public_key();
  Bytes off_curve = good;
  off_curve.back() ^= 1;
  EXPECT_EQ(outcome(off_curve), refused);
  Bytes trailing = good;
  trailing.push_back(0);
  EXPECT_EQ(outcome(trailing), refused);
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(outcome(ByteView(good).first(size)), refused) << size;
  }
  // The point at infinity.
  EXPECT_EQ(outcome(from_hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000")), refused);
}

TEST_F(KeyAgreement, TellsRecordedErrors) {
  const Bytes peer = Peer("P-256").public_key();
  const std::string& signs = key("ECC_NIST_P256", "SIGN_VERIFY");
  EXPECT_EQ(kms().call("DeriveSharedSecret", body(signs, peer)).outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(signs) +
                " key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.");
  const std::string encrypts = kms().create_key();
  EXPECT_EQ(kms().call("DeriveSharedSecret", body(encrypts, peer)).outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(encrypts) +
                " key usage is ENCRYPT_DECRYPT which is not valid for DeriveSharedSecret.");
  EXPECT_EQ(kms().call("DeriveSharedSecret", body(agreement(), peer, "", "INVALID")).outcome(),
            "400 ValidationException: 1 validation error detected: Value 'INVALID' at "
            "'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value "
            "set: [ECDH]");
}

TEST_F(KeyAgreement, DryRunAndRecipient) {
  const Bytes peer = Peer("P-256").public_key();
  EXPECT_EQ(
      kms().call("DeriveSharedSecret", body(agreement(), peer, R"(,"DryRun":true)")).outcome(),
      "400 DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.");
  EXPECT_EQ(kms()
                .call("DeriveSharedSecret",
                      body(agreement(), peer,
                           R"(,"Recipient":{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256",)"
                           R"("AttestationDocument":"AA=="})"))
                .at("__type"),
            "UnsupportedOperationException");
}

}  // namespace
}  // namespace kms::test
