#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

using namespace std::chrono_literals;

// Time is moved by starting the service again with another clock.
class ImportExpiry : public ::testing::Test {
 protected:
  static std::string at(std::chrono::hours from_now) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                              (Harness::now() + from_now).time_since_epoch())
                              .count());
  }
  void go_to(std::chrono::hours offset) {
    kms_.config().clock_offset = offset;
    kms_.restart();
  }
  void await_key_state(const std::string& id, const std::string& state) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    std::string seen;
    do {
      seen = describe(kms_, id).at("KeyMetadata.KeyState");
      if (seen == state) return;
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < deadline);
    FAIL() << "the key is " << seen << ", not " << state;
  }

  Harness kms_;
  const std::string id_ = kms_.create_key(R"({"Origin":"EXTERNAL"})");
  const Bytes material_ = random_bytes(32);
};

TEST_F(ImportExpiry, ImportTokensLastADay) {
  const Parameters with = parameters(kms_, id_);
  go_to(23h);
  EXPECT_EQ(import(kms_, id_, with, material_).outcome(), "200");
  go_to(25h);
  EXPECT_EQ(import(kms_, id_, with, material_).outcome(),
            "400 ExpiredImportTokenException: The import token has expired.");
}

TEST_F(ImportExpiry, MaterialExpiresAndWorksAgainAfterReimport) {
  Parameters with = parameters(kms_, id_);
  const std::string until = at(48h);
  ASSERT_EQ(import(kms_, id_, with, material_, ",\"ValidTo\":" + until).outcome(), "200");
  const Answer described = describe(kms_, id_);
  EXPECT_EQ(described.at("KeyMetadata.ExpirationModel"), "KEY_MATERIAL_EXPIRES");
  EXPECT_EQ(std::stod(described.at("KeyMetadata.ValidTo")), std::stod(until));
  const std::string blob =
      kms_.ok("Encrypt", "{\"KeyId\":\"" + id_ + R"(","Plaintext":"bQ=="})").at("CiphertextBlob");
  const std::string open = R"({"CiphertextBlob":")" + blob + "\"}";

  go_to(47h);
  EXPECT_EQ(kms_.ok("Decrypt", open).at("Plaintext"), "bQ==");
  go_to(49h);
  await_key_state(id_, "PendingImport");
  EXPECT_EQ(kms_.call("Decrypt", open).outcome(),
            "400 KMSInvalidStateException: " + kms_.arn(id_) + " is pending import.");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.ExpirationModel"), "(absent)");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.ValidTo"), "(absent)");

  with = parameters(kms_, id_);
  ASSERT_EQ(import(kms_, id_, with, material_).outcome(), "200");
  EXPECT_EQ(kms_.ok("Decrypt", open).at("Plaintext"), "bQ==");

  kms_.stop();
  int events = 0;
  for (const std::string& line : kms_.audit_lines()) {
    EXPECT_EQ(line.find("importToken"), std::string::npos) << line;
    EXPECT_EQ(line.find("encryptedKeyMaterial"), std::string::npos) << line;
    EXPECT_EQ(line.find("publicKey"), std::string::npos) << line;
    if (line.find("\"DeleteExpiredKeyMaterial\"") == std::string::npos) continue;
    ++events;
    EXPECT_NE(line.find("\"eventType\":\"AwsServiceEvent\""), std::string::npos) << line;
    EXPECT_NE(line.find("{\"keyId\":\"" + id_ + "\""), std::string::npos) << line;
  }
  EXPECT_EQ(events, 1);
}

TEST_F(ImportExpiry, ServesNobodyWhileItsDestructionWaitsForTheClock) {
  kms_.config().jobs.due_confirmation = 1h;
  const std::string until = ",\"ValidTo\":" + at(48h);
  ASSERT_EQ(import(kms_, id_, parameters(kms_, id_), material_, until).outcome(), "200");
  const std::string encrypt = "{\"KeyId\":\"" + id_ + R"(","Plaintext":"bQ=="})";
  const std::string open =
      R"({"CiphertextBlob":")" + kms_.ok("Encrypt", encrypt).at("CiphertextBlob") + "\"}";
  go_to(49h);
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.KeyState"), "PendingImport");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.ExpirationModel"), "(absent)");
  const std::string pending =
      "400 KMSInvalidStateException: " + kms_.arn(id_) + " is pending import.";
  EXPECT_EQ(kms_.call("Decrypt", open).outcome(), pending);
  EXPECT_EQ(kms_.call("Encrypt", encrypt).outcome(), pending);
  const std::string listing =
      "{\"KeyId\":\"" + id_ + R"(","IncludeKeyMaterial":"ALL_KEY_MATERIAL"})";
  EXPECT_EQ(kms_.ok("ListKeyRotations", listing).at("Rotations.0.ImportState"), "PENDING_IMPORT");

  // A clock that was wrong has destroyed nothing.
  go_to(47h);
  EXPECT_EQ(kms_.ok("Decrypt", open).at("Plaintext"), "bQ==");
  go_to(49h);
  ASSERT_EQ(import(kms_, id_, parameters(kms_, id_), material_).outcome(), "200");
  EXPECT_EQ(kms_.ok("Decrypt", open).at("Plaintext"), "bQ==");
}

TEST_F(ImportExpiry, ReimportSetsAnotherEnd) {
  const Parameters with = parameters(kms_, id_);
  ASSERT_EQ(import(kms_, id_, with, material_, ",\"ValidTo\":" + at(2h)).outcome(), "200");
  ASSERT_EQ(import(kms_, id_, with, material_).outcome(), "200");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.ExpirationModel"), "KEY_MATERIAL_DOES_NOT_EXPIRE");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.ValidTo"), "(absent)");
}

TEST_F(ImportExpiry, ImportedKeysWorkAfterARestart) {
  const std::string curve =
      kms_.create_key(external_key_of("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"));
  const Bytes key = private_key("ED25519");
  ASSERT_EQ(import(kms_, curve, parameters(kms_, curve), key).outcome(), "200");
  ASSERT_EQ(import(kms_, id_, parameters(kms_, id_), material_).outcome(), "200");
  kms_.restart();
  const Answer made = kms_.ok("Sign", sign_body(curve, "ED25519_SHA_512", as_bytes("m")));
  EXPECT_TRUE(verifies(public_key_of(key), pkcs11::SignatureScheme::ed25519, as_bytes("m"),
                       bytes_at(made, "Signature")));
  kms_.ok("Encrypt", "{\"KeyId\":\"" + id_ + R"(","Plaintext":"bQ=="})");
}

}  // namespace
}  // namespace kms::test
