#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

using keys::SigningRow;

const std::string kMessage = "attack at dawn";
constexpr const char* kInvalid = "400 KMSInvalidSignatureException: -";

class Signing : public AsymmetricTest {
 protected:
  /// What is signed as that type: the message or its hash.
  static Bytes input(const SigningRow& row, api::MessageType type) {
    if (type != api::MessageType::raw) {
      return sha(static_cast<int>(row.digest_size) * 8, as_bytes(kMessage));
    }
    return {kMessage.begin(), kMessage.end()};
  }
  static Answer verify(const std::string& key, const std::string& algorithm, ByteView signature,
                       std::string_view message = kMessage) {
    return kms().call("Verify",
                      sign_body(key, algorithm, as_bytes(message), member("Signature", signature)));
  }
  static Bytes signature(const std::string& key, const std::string& algorithm) {
    return bytes_at(kms().ok("Sign", sign_body(key, algorithm, as_bytes(kMessage))), "Signature");
  }
  /// What Sign must answer, by the tables and by what SoftHSM can.
  static std::string expected(const keys::KeySpecRow& spec, const SigningRow& row,
                              api::MessageType type) {
    const std::string algorithm = name(row.algorithm);
    const auto takes = [&](const SigningRow& other) {
      return std::ranges::find(other.message_types, type) != other.message_types.end();
    };
    if (std::ranges::find(spec.signing, row.algorithm) == spec.signing.end()) {
      return "400 InvalidKeyUsageException: Algorithm " + algorithm +
             " is incompatible with key spec " + name(spec.spec) + ".";
    }
    if (!takes(row)) {
      const bool other = std::ranges::any_of(
          spec.signing, [&](auto each) { return takes(keys::signing_algorithm(each)); });
      return "400 ValidationException: Message type " + name(type) + " is incompatible with " +
             (other ? "algorithm " + algorithm : "key spec " + name(spec.spec)) + ".";
    }
    if (row.scheme == pkcs11::SignatureScheme::ed25519_ph) {
      return "400 UnsupportedOperationException: Algorithm ED25519_PH_SHA_512 with message type "
             "DIGEST is not supported in this Region";
    }
    return "200";
  }
};

TEST_F(Signing, EverySpecAlgorithmAndMessageTypeSignsOrIsRefused) {
  for (const keys::KeySpecRow& spec : keys::key_specs()) {
    // SoftHSM 2.6.1 has neither SM2 nor ML-DSA.
    const bool held = spec.kind && !name(spec.spec).starts_with("ML_DSA");
    if (!held || !keys::allows(spec, api::KeyUsageType::sign_verify)) continue;
    const std::string& id = key(name(spec.spec), "SIGN_VERIFY");
    const Bytes spki = public_key(id);
    for (const SigningRow& row : keys::signing_algorithms()) {
      for (const auto type :
           {api::MessageType::raw, api::MessageType::digest, api::MessageType::external_mu}) {
        SCOPED_TRACE(name(spec.spec) + " " + name(row.algorithm) + " " + name(type));
        const std::string algorithm = name(row.algorithm);
        const Answer answer = kms().call(
            "Sign", sign_body(id, algorithm, input(row, type), member("MessageType", name(type))));
        ASSERT_EQ(answer.outcome(), expected(spec, row, type));
        if (answer.status != 200) continue;
        EXPECT_EQ(answer.json.MemberCount(), 3U);
        EXPECT_EQ(answer.at("KeyId"), kms().arn(id));
        EXPECT_EQ(answer.at("SigningAlgorithm"), algorithm);
        const Bytes made = bytes_at(answer, "Signature");
        // Whether it was hashed here or there: the same signature of the same message.
        EXPECT_TRUE(verifies(spki, *row.scheme, as_bytes(kMessage), made));
        for (const auto other : row.message_types) {
          EXPECT_EQ(kms()
                        .ok("Verify", sign_body(id, algorithm, input(row, other),
                                                member("MessageType", name(other)) +
                                                    member("Signature", made)))
                        .body,
                    "{\"KeyId\":\"" + kms().arn(id) + R"(","SignatureValid":true,)" +
                        R"("SigningAlgorithm":")" + algorithm + "\"}");
        }
      }
    }
  }
}

TEST_F(Signing, RefusesADigestOfTheWrongLength) {
  const std::string& id = key("RSA_2048", "SIGN_VERIFY");
  for (const SigningRow& row : keys::signing_algorithms()) {
    if (!name(row.algorithm).starts_with("RSASSA")) continue;
    for (const std::size_t size : {std::size_t{1}, row.digest_size - 1, row.digest_size + 1}) {
      const std::string body = sign_body(id, name(row.algorithm), Bytes(size),
                                         R"(,"MessageType":"DIGEST","Signature":"AA==")");
      const std::string refused =
          "400 ValidationException: Digest is invalid length for algorithm " + name(row.algorithm) +
          ".";
      EXPECT_EQ(kms().call("Sign", body).outcome(), refused);
      EXPECT_EQ(kms().call("Verify", body).outcome(), refused);
    }
  }
}

TEST_F(Signing, RefusesEveryBitFlipAndTruncation) {
  for (const auto& [spec, algorithm] :
       {std::pair{"ECC_NIST_P256", "ECDSA_SHA_256"}, std::pair{"ECC_NIST_P521", "ECDSA_SHA_512"},
        std::pair{"ECC_NIST_EDWARDS25519", "ED25519_SHA_512"},
        std::pair{"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"},
        std::pair{"RSA_2048", "RSASSA_PSS_SHA_256"}}) {
    const std::string& id = key(spec, "SIGN_VERIFY");
    const Bytes good = signature(id, algorithm);
    ASSERT_EQ(verify(id, algorithm, good).outcome(), "200");
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes flipped = good;
      flipped[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      EXPECT_EQ(verify(id, algorithm, flipped).outcome(), kInvalid) << algorithm << " byte " << i;
    }
    for (std::size_t size = 1; size < good.size(); size += 5) {
      EXPECT_EQ(verify(id, algorithm, ByteView(good).first(size)).outcome(), kInvalid)
          << algorithm << " size " << size;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(verify(id, algorithm, longer).outcome(), kInvalid) << algorithm;
    EXPECT_EQ(verify(id, algorithm, Bytes(6144, 0x30)).outcome(), kInvalid) << algorithm;
    EXPECT_EQ(verify(id, algorithm, good, "attack at dusk").outcome(), kInvalid) << algorithm;
  }
}

TEST_F(Signing, ASignatureIsOfOneKeyAndOneAlgorithm) {
  const std::string& id = key("RSA_2048", "SIGN_VERIFY");
  const std::string other = kms().create_key(key_of("RSA_2048", "SIGN_VERIFY"));
  const Bytes good = signature(id, "RSASSA_PSS_SHA_256");
  EXPECT_EQ(verify(other, "RSASSA_PSS_SHA_256", good).outcome(), kInvalid);
  EXPECT_EQ(verify(id, "RSASSA_PSS_SHA_384", good).outcome(), kInvalid);
  EXPECT_EQ(verify(id, "RSASSA_PKCS1_V1_5_SHA_256", good).outcome(), kInvalid);
}

TEST_F(Signing, TakesTheLongestMessage) {
  const std::string& id = key("ECC_NIST_P256", "SIGN_VERIFY");
  const std::string longest(4096, 'm');
  const Bytes made =
      bytes_at(kms().ok("Sign", sign_body(id, "ECDSA_SHA_256", as_bytes(longest))), "Signature");
  EXPECT_EQ(verify(id, "ECDSA_SHA_256", made, longest).outcome(), "200");
  EXPECT_EQ(
      kms().call("Sign", sign_body(id, "ECDSA_SHA_256", as_bytes(longest + "m"))).outcome(),
      "400 ValidationException: 1 validation error detected: Value at 'message' failed to satisfy "
      "constraint: Member must have length less than or equal to 4096");
}

TEST_F(Signing, TellsRecordedErrors) {
  const std::string encrypts = kms().create_key();
  const std::string& macs = key("HMAC_224", "GENERATE_VERIFY_MAC");
  EXPECT_EQ(kms().call("Sign", sign_body(macs, "RSASSA_PSS_SHA_256", as_bytes("m"))).outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(macs) +
                " key usage is GENERATE_VERIFY_MAC which is not valid for Sign.");
  EXPECT_EQ(verify(encrypts, "ECDSA_SHA_256", as_bytes("a signature")).outcome(),
            "400 InvalidKeyUsageException: " + kms().arn(encrypts) +
                " key usage is ENCRYPT_DECRYPT which is not valid for Verify.");
  EXPECT_EQ(kms()
                .call("Sign", sign_body(key("ECC_NIST_P256", "SIGN_VERIFY"), "ECDSA_SHA_384",
                                        as_bytes("m")))
                .outcome(),
            "400 InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec "
            "ECC_NIST_P256.");
  // In the enum, but of no key spec.
  EXPECT_EQ(kms()
                .call("Sign", sign_body(key("ECC_NIST_P256", "SIGN_VERIFY"), "SYMMETRIC_DEFAULT",
                                        as_bytes("m")))
                .outcome(),
            "400 InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key "
            "spec ECC_NIST_P256.");
}

// Usage, state, algorithm, message type, digest length, dry run: each hides what comes after it.
TEST_F(Signing, ChecksInTheOrderOfAws) {
  const std::string id = kms().create_key(key_of("ECC_NIST_P256", "SIGN_VERIFY"));
  const auto outcome = [&](std::string_view algorithm, const std::string& more) {
    return kms().call("Sign", sign_body(id, algorithm, as_bytes("m"), more)).outcome();
  };
  const std::string dry = R"(,"DryRun":true)";
  EXPECT_EQ(outcome("ECDSA_SHA_256", dry),
            "400 DryRunOperationException: The request would have succeeded, but the DryRun option "
            "is set.");
  EXPECT_EQ(outcome("ECDSA_SHA_256", R"(,"MessageType":"DIGEST")" + dry),
            "400 ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.");
  EXPECT_EQ(outcome("ECDSA_SHA_512", R"(,"MessageType":"EXTERNAL_MU")" + dry),
            "400 InvalidKeyUsageException: Algorithm ECDSA_SHA_512 is incompatible with key spec "
            "ECC_NIST_P256.");
  kms().ok("DisableKey", id_of(id));
  EXPECT_EQ(outcome("ECDSA_SHA_512", dry),
            "400 DisabledException: " + kms().arn(id) + " is disabled.");
}

TEST_F(Signing, ADryRunOfVerifyDoesNotLookAtTheSignature) {
  EXPECT_EQ(kms()
                .call("Verify", sign_body(key("ECC_NIST_P256", "SIGN_VERIFY"), "ECDSA_SHA_256",
                                          as_bytes("m"), R"(,"Signature":"AA==","DryRun":true)"))
                .outcome(),
            "400 DryRunOperationException: The request would have succeeded, but the DryRun option "
            "is set.");
}

}  // namespace
}  // namespace kms::test
