#include <gtest/gtest.h>

#include <map>

#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

using api::KeyUsageType;

class KeySpecs : public AsymmetricTest {
 protected:
  /// What CreateKey must answer where SoftHSM 2.6.1 is the token.
  static std::string expected(const keys::KeySpecRow& row, KeyUsageType usage) {
    if (!keys::allows(row, usage)) {
      return "400 ValidationException: KeyUsage " + name(usage) +
             " is not compatible with KeySpec " + name(row.spec);
    }
    if (!row.kind || name(row.spec).starts_with("ML_DSA")) {
      return "400 UnsupportedOperationException: KeySpec " + name(row.spec) +
             " is not supported in this Region";
    }
    return "200";
  }
};

/// JSON of a list of names.
template <class Algorithm>
std::string listed(std::span<const Algorithm> algorithms) {
  std::string json;
  for (const Algorithm algorithm : algorithms) {
    json += (json.empty() ? "\"" : ",\"") + name(algorithm) + "\"";
  }
  return "[" + json + "]";
}

struct Listed {
  const char* member;
  KeyUsageType usage;
  std::string algorithms;
};

std::vector<Listed> lists_of(const keys::KeySpecRow& row) {
  return {{"EncryptionAlgorithms", KeyUsageType::encrypt_decrypt, listed(row.encryption)},
          {"SigningAlgorithms", KeyUsageType::sign_verify, listed(row.signing)},
          {"MacAlgorithms", KeyUsageType::generate_verify_mac, listed(row.mac)},
          {"KeyAgreementAlgorithms", KeyUsageType::key_agreement, listed(row.agreement)}};
}

TEST_F(KeySpecs, EachUsageOfEachSpecIsCreatedOrRefused) {
  for (const keys::KeySpecRow& row : keys::key_specs()) {
    for (const auto usage : {KeyUsageType::encrypt_decrypt, KeyUsageType::sign_verify,
                             KeyUsageType::generate_verify_mac, KeyUsageType::key_agreement}) {
      SCOPED_TRACE(name(row.spec) + " " + name(usage));
      const Answer created = kms().call("CreateKey", key_of(name(row.spec), name(usage)));
      ASSERT_EQ(created.outcome(), expected(row, usage));
      if (created.status != 200) continue;
      const std::string id = created.at("KeyMetadata.KeyId");
      EXPECT_EQ(created.at("KeyMetadata.KeySpec"), name(row.spec));
      EXPECT_EQ(created.at("KeyMetadata.KeyUsage"), name(usage));
      EXPECT_EQ(created.at("KeyMetadata.Origin"), "AWS_KMS");
      EXPECT_EQ(created.at("KeyMetadata.KeyState"), "Enabled");
      for (const Listed& list : lists_of(row)) {
        EXPECT_EQ(created.at(std::string("KeyMetadata.") + list.member),
                  list.usage == usage ? list.algorithms : "(absent)");
      }
      const bool symmetric = row.spec == api::KeySpec::symmetric_default;
      const bool has_material_id = created.at("KeyMetadata.CurrentKeyMaterialId") != "(absent)";
      EXPECT_EQ(has_material_id, symmetric);
      EXPECT_EQ(kms().ok("DescribeKey", id_of(id)).body, created.body);

      const Answer got = kms().call("GetPublicKey", id_of(id));
      if (symmetric || usage == KeyUsageType::generate_verify_mac) {
        EXPECT_EQ(got.outcome(), "400 UnsupportedOperationException: -");
        continue;
      }
      ASSERT_EQ(got.outcome(), "200");
      EXPECT_EQ(got.at("KeyId"), kms().arn(id));
      EXPECT_EQ(got.at("KeySpec"), name(row.spec));
      EXPECT_EQ(got.at("KeyUsage"), name(usage));
      EXPECT_EQ(got.at("CustomerMasterKeySpec"), created.at("KeyMetadata.CustomerMasterKeySpec"));
      for (const Listed& list : lists_of(row)) {
        EXPECT_EQ(got.at(list.member), list.usage == usage ? list.algorithms : "(absent)");
      }
      static const std::map<std::string, int> kBits{
          {"RSA_2048", 2048},       {"RSA_3072", 3072},
          {"RSA_4096", 4096},       {"ECC_NIST_P256", 256},
          {"ECC_NIST_P384", 384},   {"ECC_NIST_P521", 521},
          {"ECC_SECG_P256K1", 256}, {"ECC_NIST_EDWARDS25519", 256}};
      EXPECT_EQ(key_bits(bytes_at(got, "PublicKey")), kBits.at(name(row.spec)));
    }
  }
}

TEST_F(KeySpecs, OnlySymmetricKeysLiveInACustomKeyStore) {
  const std::string store = kms().connected_store();
  for (const keys::KeySpecRow& row : keys::key_specs()) {
    if (row.spec == api::KeySpec::symmetric_default || !row.kind) continue;
    EXPECT_EQ(kms()
                  .call("CreateKey", R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store +
                                         "\"" + member("KeySpec", name(row.spec)) +
                                         member("KeyUsage", name(row.usages.front())) + "}")
                  .outcome(),
              "400 UnsupportedOperationException: KeySpec " + name(row.spec) +
                  " is not supported in a custom key store.");
  }
}

TEST_F(KeySpecs, AnHmacKeyHasExactlyTheRecordedMembers) {
  const Answer created = kms().ok(
      "CreateKey",
      R"({"Description":"test key","KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"})");
  EXPECT_EQ(created.json["KeyMetadata"].MemberCount(), 14U);
  EXPECT_EQ(created.at("KeyMetadata.CustomerMasterKeySpec"), "HMAC_256");
  EXPECT_EQ(created.at("KeyMetadata.MacAlgorithms"), R"(["HMAC_SHA_256"])");
}

// The public key comes from the record, the private one from the token again.
TEST(KeySpecsDurability, KeysWorkAfterARestart) {
  Harness kms;
  for (const auto& [spec, algorithm] :
       {std::pair{"RSA_2048", "RSASSA_PSS_SHA_256"}, std::pair{"ECC_NIST_P256", "ECDSA_SHA_256"},
        std::pair{"ECC_NIST_EDWARDS25519", "ED25519_SHA_512"}}) {
    const std::string id = kms.create_key(key_of(spec, "SIGN_VERIFY"));
    const std::string got = kms.ok("GetPublicKey", id_of(id)).body;
    const std::string signature =
        kms.ok("Sign", sign_body(id, algorithm, as_bytes("m"))).at("Signature");
    kms.restart();
    EXPECT_EQ(kms.ok("GetPublicKey", id_of(id)).body, got);
    kms.ok("Verify", sign_body(id, algorithm, as_bytes("m"),
                               member("Signature", std::string_view(signature))));
    kms.ok("Sign", sign_body(id, algorithm, as_bytes("m")));
  }
}

TEST(KeySpecsDurability, ThePublicKeyNeedsNoToken) {
  Harness kms;
  const std::string pair = kms.create_key(key_of("ECC_NIST_P256", "SIGN_VERIFY"));
  const std::string secret = kms.create_key();
  const std::string got = kms.ok("GetPublicKey", id_of(pair)).body;
  kms.stop();
  kms.config().regions.front().token.selector.label = "absent";
  service::Application without(kms.config(), nullptr);
  const auto body_of = [&](const std::string& key) {
    api::Request request =
        Signer(admin(), "us-east-1").sign("GetPublicKey", id_of(key), Harness::now());
    return std::string(without.service().handle(request).body.text());
  };
  EXPECT_EQ(body_of(pair), got);
  EXPECT_EQ(body_of(secret), R"({"__type":"UnsupportedOperationException"})");
}

}  // namespace
}  // namespace kms::test
