#include "connector/tool/doctor.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/service/harness.h"

namespace kms::tool {
namespace {

/// The value of the first line of this name; "(absent)" if there is none.
std::string value(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  " + name + " ")) continue;
    const std::size_t start = line.find_first_not_of(' ', 2 + name.size());
    return line.substr(start);
  }
  return "(absent)";
}

class Doctor : public testing::Test {
 protected:
  Doctor() { kms_.stop(); }
  bool examine() {
    std::ostringstream out;
    const bool well = doctor(kms_.config(), out);
    text_ = out.str();
    return well;
  }
  test::Harness kms_;
  std::string text_;
};

TEST_F(Doctor, TellsWhatATokenServesAndHow) {
  EXPECT_TRUE(examine());
  EXPECT_TRUE(text_.starts_with("us-east-1\n")) << text_;
  EXPECT_EQ(value(text_, "AES-256-GCM"), "IV from C_GenerateRandom, up to 65536 bytes at once");
  EXPECT_EQ(value(text_, "key wrap"), "RFC 5649: keys are held wrapped, in the database");
  EXPECT_EQ(value(text_, "SYMMETRIC_DEFAULT"), "wrapped: SYMMETRIC_DEFAULT");
  EXPECT_EQ(value(text_, "RSA_2048"),
            "wrapped: RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256 (raw RSA, padding outside), "
            "RSASSA_PKCS1_V1_5_SHA_256, RSASSA_PKCS1_V1_5_SHA_384, RSASSA_PKCS1_V1_5_SHA_512, "
            "RSASSA_PSS_SHA_256, RSASSA_PSS_SHA_384, RSASSA_PSS_SHA_512");
  EXPECT_EQ(value(text_, "ECC_NIST_P256"), "wrapped: ECDSA_SHA_256, ECDH");
  EXPECT_EQ(value(text_, "ECC_NIST_EDWARDS25519"), "token object: ED25519_SHA_512");
  EXPECT_EQ(value(text_, "HMAC_224"), "wrapped: HMAC_SHA_224");
  EXPECT_EQ(value(text_, "SM2"), "no");
  EXPECT_EQ(value(text_, "ML_DSA_65"), "no");
  EXPECT_TRUE(value(text_, "time of Sign RSA_2048").ends_with(" ms"));
  EXPECT_EQ(value(text_, "warning"),
            "ECC_NIST_EDWARDS25519 keys are token objects: not as multi-Region keys");
  EXPECT_NE(text_.find("cluster-abcdefg2345\n  present; ConnectCustomKeyStore logs in to it\n"),
            std::string::npos);
}

TEST_F(Doctor, TellsOfATokenThatIsNotThere) {
  kms_.config().regions[0].token.selector.label = "gone";
  EXPECT_FALSE(examine());
  EXPECT_NE(text_.find("  token_not_found: no token matches label \"gone\""), std::string::npos)
      << text_;
}

TEST_F(Doctor, TellsOfKeysThatATokenLostWithItsContent) {
  kms_.start();
  (void)kms_.create_key();
  kms_.stop();
  kms_.hsm().delete_token("us-east-1");
  kms_.hsm().add_token("us-east-1");
  EXPECT_FALSE(examine());
  EXPECT_NE(text_.find(" of 1 keys is missing in the token of us-east-1\n"), std::string::npos)
      << text_;
}

TEST_F(Doctor, TriesNoPinASecondTimeThatWasRefused) {
  kms_.config().regions[0].pin = pkcs11::SplitSecret(SecretBytes::copy_of(std::string_view("no")));
  EXPECT_FALSE(examine());
  EXPECT_NE(text_.find("  pin_incorrect: "), std::string::npos) << text_;
  const std::string first = text_;
  EXPECT_FALSE(examine());
  EXPECT_NE(text_, first) << "the second answer is not the token's";
}

TEST_F(Doctor, DoesNotRunBesideTheDaemon) {
  kms_.start();
  EXPECT_THROW(examine(), storage::Error);
}

}  // namespace
}  // namespace kms::tool
