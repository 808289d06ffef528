#include <gtest/gtest.h>

#include <array>

#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

class Macs : public AsymmetricTest {
 protected:
  static std::string body(const std::string& key, const std::string& algorithm,
                          std::string_view message, const std::string& more = "") {
    return "{\"KeyId\":\"" + key + R"(","MacAlgorithm":")" + algorithm + R"(","Message":)" +
           base64_json(message) + more + "}";
  }
  static Answer verify(const std::string& key, const std::string& algorithm, ByteView mac,
                       std::string_view message = "some important message") {
    return kms().call("VerifyMac", body(key, algorithm, message, member("Mac", mac)));
  }
  static const std::string& hmac(const std::string& bits) {
    return key("HMAC_" + bits, "GENERATE_VERIFY_MAC");
  }
};

constexpr std::array kBits{224, 256, 384, 512};
constexpr const char* kInvalid = "400 KMSInvalidMacException: -";

TEST_F(Macs, EverySpecAndAlgorithmMakesAMacOrIsRefused) {
  for (const int spec : kBits) {
    const std::string& id = hmac(std::to_string(spec));
    for (const int bits : kBits) {
      const std::string algorithm = "HMAC_SHA_" + std::to_string(bits);
      const Answer answer =
          kms().call("GenerateMac", body(id, algorithm, "some important message"));
      if (bits != spec) {
        const std::string refused = "400 InvalidKeyUsageException: Algorithm " + algorithm +
                                    " is incompatible with key spec HMAC_" + std::to_string(spec) +
                                    ".";
        EXPECT_EQ(answer.outcome(), refused);
        EXPECT_EQ(verify(id, algorithm, Bytes(32)).outcome(), refused);
        continue;
      }
      ASSERT_EQ(answer.outcome(), "200") << algorithm;
      EXPECT_EQ(answer.json.MemberCount(), 3U);
      EXPECT_EQ(answer.at("KeyId"), kms().arn(id));
      EXPECT_EQ(answer.at("MacAlgorithm"), algorithm);
      const Bytes mac = bytes_at(answer, "Mac");
      EXPECT_EQ(mac.size(), static_cast<std::size_t>(bits / 8));
      EXPECT_EQ(verify(id, algorithm, mac).body, "{\"KeyId\":\"" + kms().arn(id) +
                                                     R"(","MacValid":true,"MacAlgorithm":")" +
                                                     algorithm + "\"}");
      EXPECT_EQ(
          bytes_at(kms().ok("GenerateMac", body(id, algorithm, "some important message")), "Mac"),
          mac);
    }
  }
}

TEST_F(Macs, RefusesEveryBitFlipAndTruncation) {
  for (const int bits : kBits) {
    const std::string& id = hmac(std::to_string(bits));
    const std::string algorithm = "HMAC_SHA_" + std::to_string(bits);
    const Bytes good =
        bytes_at(kms().ok("GenerateMac", body(id, algorithm, "some important message")), "Mac");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes flipped = good;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_EQ(verify(id, algorithm, flipped).outcome(), kInvalid) << bit;
    }
    for (std::size_t size = 1; size < good.size(); ++size) {
      EXPECT_EQ(verify(id, algorithm, ByteView(good).first(size)).outcome(), kInvalid) << size;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(verify(id, algorithm, longer).outcome(), kInvalid);
    EXPECT_EQ(verify(id, algorithm, good, "some different important message").outcome(), kInvalid);
  }
}

TEST_F(Macs, KeysAreSecretAndDiffer) {
  const std::string& id = hmac("256");
  const std::string other = kms().create_key(key_of("HMAC_256", "GENERATE_VERIFY_MAC"));
  const Bytes mac = bytes_at(kms().ok("GenerateMac", body(id, "HMAC_SHA_256", "m")), "Mac");
  EXPECT_EQ(verify(other, "HMAC_SHA_256", mac, "m").outcome(), kInvalid);
  EXPECT_EQ(kms().call("GetPublicKey", id_of(id)).outcome(),
            "400 UnsupportedOperationException: -");
}

TEST_F(Macs, TellsRecordedErrors) {
  const std::string encrypts = kms().create_key();
  EXPECT_EQ(
      kms().call("GenerateMac", body(encrypts, "HMAC_SHA_224", "some important message")).outcome(),
      "400 InvalidKeyUsageException: " + kms().arn(encrypts) +
          " key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.");
  EXPECT_EQ(verify(hmac("256"), "HMAC_SHA_512", Bytes(64)).outcome(),
            "400 InvalidKeyUsageException: Algorithm HMAC_SHA_512 is incompatible with key spec "
            "HMAC_256.");
  const std::string invalid = verify(hmac("256"), "INVALID", Bytes(64)).outcome();
  const std::string start =
      "400 ValidationException: 1 validation error detected: Value 'INVALID' at 'macAlgorithm' "
      "failed to satisfy constraint: Member must satisfy enum value set: [";
  EXPECT_EQ(invalid.substr(0, start.size()), start);
}

TEST_F(Macs, DryRunsChangeNothing) {
  const std::string dry =
      "400 DryRunOperationException: The request would have succeeded, but the DryRun option is "
      "set.";
  const std::string& id = hmac("256");
  EXPECT_EQ(kms().call("GenerateMac", body(id, "HMAC_SHA_256", "m", R"(,"DryRun":true)")).outcome(),
            dry);
  EXPECT_EQ(kms()
                .call("VerifyMac", body(id, "HMAC_SHA_256", "m", R"(,"Mac":"AA==","DryRun":true)"))
                .outcome(),
            dry);
}

}  // namespace
}  // namespace kms::test
