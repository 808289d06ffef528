#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

constexpr const char* kExternal = R"({"Origin":"EXTERNAL"})";
constexpr const char* kIncorrect = "400 IncorrectKeyMaterialException: -";

/// A kind of material and how it shows that it is the one that was brought.
struct Row {
  const char* spec;
  const char* usage;
  const char* openssl;  // private_key()'s; null for secret keys
  std::size_t size;     // of secret keys
  const char* algorithm;
  pkcs11::SignatureScheme scheme;
};

using enum pkcs11::SignatureScheme;

constexpr std::array kRows{
    Row{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", nullptr, 32, "SYMMETRIC_DEFAULT", {}},
    Row{"HMAC_224", "GENERATE_VERIFY_MAC", nullptr, 28, "HMAC_SHA_224", {}},
    Row{"HMAC_256", "GENERATE_VERIFY_MAC", nullptr, 32, "HMAC_SHA_256", {}},
    Row{"HMAC_384", "GENERATE_VERIFY_MAC", nullptr, 48, "HMAC_SHA_384", {}},
    Row{"HMAC_512", "GENERATE_VERIFY_MAC", nullptr, 64, "HMAC_SHA_512", {}},
    Row{"RSA_2048", "SIGN_VERIFY", "RSA:2048", 0, "RSASSA_PSS_SHA_256", rsa_pss_sha256},
    Row{"RSA_3072", "SIGN_VERIFY", "RSA:3072", 0, "RSASSA_PSS_SHA_384", rsa_pss_sha384},
    Row{"RSA_4096", "SIGN_VERIFY", "RSA:4096", 0, "RSASSA_PKCS1_V1_5_SHA_512", rsa_pkcs1_sha512},
    Row{"ECC_NIST_P256", "SIGN_VERIFY", "P-256", 0, "ECDSA_SHA_256", ecdsa_sha256},
    Row{"ECC_NIST_P384", "SIGN_VERIFY", "P-384", 0, "ECDSA_SHA_384", ecdsa_sha384},
    Row{"ECC_NIST_P521", "SIGN_VERIFY", "P-521", 0, "ECDSA_SHA_512", ecdsa_sha512},
    Row{"ECC_SECG_P256K1", "SIGN_VERIFY", "secp256k1", 0, "ECDSA_SHA_256", ecdsa_sha256},
    Row{"ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519", 0, "ED25519_SHA_512", ed25519},
};

Bytes fresh_material(const Row& row) {
  return row.openssl == nullptr ? random_bytes(row.size) : private_key(row.openssl);
}

class Import : public AsymmetricTest {
 protected:
  static std::string external_key() { return kms().create_key(kExternal); }

  /// The key does what only this material does.
  static void expect_works(const Row& row, const std::string& id, ByteView material) {
    const ByteView message = as_bytes("attack at dawn");
    if (row.openssl != nullptr) {
      const Bytes public_key = public_key_of(material);
      EXPECT_EQ(to_hex(bytes_at(kms().ok("GetPublicKey", id_of(id)), "PublicKey")),
                to_hex(public_key));
      const Answer made = kms().ok("Sign", sign_body(id, row.algorithm, message));
      EXPECT_TRUE(verifies(public_key, row.scheme, message, bytes_at(made, "Signature")));
    } else if (std::string_view(row.usage) == "GENERATE_VERIFY_MAC") {
      const Answer made = kms().ok(
          "GenerateMac", "{\"KeyId\":\"" + id + "\"" + member("Message", message) +
                             member("MacAlgorithm", std::string_view(row.algorithm)) + "}");
      EXPECT_EQ(bytes_at(made, "Mac"),
                hmac(std::stoi(std::string(row.algorithm).substr(9)), material, message));
    } else {
      const std::string blob = encrypt(id);
      EXPECT_EQ(decrypt(blob), "200 attack at dawn");
    }
  }

  static std::string encrypt(const std::string& id) {
    return kms()
        .ok("Encrypt",
            "{\"KeyId\":\"" + id + "\"" + member("Plaintext", as_bytes("attack at dawn")) + "}")
        .at("CiphertextBlob");
  }
  static std::string decrypt(const std::string& blob) {
    const Answer opened = kms().call("Decrypt", R"({"CiphertextBlob":")" + blob + "\"}");
    return opened.status == 200 ? "200 " + decode_base64(opened.at("Plaintext")) : opened.outcome();
  }
};

TEST_F(Import, TakesMaterialOfEachSpecUnderEachAlgorithm) {
  for (const Row& row : kRows) {
    const std::string id = kms().create_key(external_key_of(row.spec, row.usage));
    const Bytes material = fresh_material(row);
    const bool rsa = std::string_view(row.spec).starts_with("RSA");
    const bool p521 = std::string_view(row.spec) == "ECC_NIST_P521";
    std::string material_id;
    for (const char* algorithm : {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256",
                                  "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}) {
      SCOPED_TRACE(std::string(row.spec) + " " + algorithm);
      const bool oaep = std::string_view(algorithm).starts_with("RSAES");
      if (oaep && (rsa || p521)) {
        EXPECT_EQ(kms().call("GetParametersForImport", parameters_body(id, algorithm)).outcome(),
                  "400 UnsupportedOperationException: WrappingAlgorithm " + std::string(algorithm) +
                      " with WrappingKeySpec RSA_2048 is not supported for KeySpec " + row.spec +
                      ".");
        if (rsa) continue;
      }
      const Answer imported = import(
          kms(), id, parameters(kms(), id, algorithm, oaep && p521 ? "RSA_3072" : "RSA_2048"),
          material);
      ASSERT_EQ(imported.outcome(), "200");
      EXPECT_EQ(imported.at("KeyId"), kms().arn(id));
      if (material_id.empty()) material_id = imported.at("KeyMaterialId");
      EXPECT_EQ(imported.at("KeyMaterialId"), material_id);
      expect_works(row, id, material);
    }
    const bool symmetric = std::string_view(row.spec) == "SYMMETRIC_DEFAULT";
    EXPECT_EQ(material_id.size(), symmetric ? 64U : std::string("(absent)").size());
    const Answer described = describe(kms(), id);
    EXPECT_EQ(described.at("KeyMetadata.KeyState"), "Enabled");
    EXPECT_EQ(described.at("KeyMetadata.Origin"), "EXTERNAL");
    EXPECT_EQ(described.at("KeyMetadata.ExpirationModel"), "KEY_MATERIAL_DOES_NOT_EXPIRE");
    EXPECT_EQ(described.at("KeyMetadata.ValidTo"), "(absent)");
    EXPECT_EQ(described.at("KeyMetadata.CurrentKeyMaterialId"), material_id);
  }
}

TEST_F(Import, WrappingKeysAreOfEachSize) {
  const std::string id = external_key();
  const Bytes material = random_bytes(32);
  for (const auto& [spec, bits] :
       {std::pair{"RSA_2048", 2048}, std::pair{"RSA_3072", 3072}, std::pair{"RSA_4096", 4096}}) {
    const Answer got =
        kms().ok("GetParametersForImport", parameters_body(id, "RSAES_OAEP_SHA_256", spec));
    EXPECT_EQ(got.at("KeyId"), kms().arn(id));
    EXPECT_EQ(key_bits(bytes_at(got, "PublicKey")), bits);
    EXPECT_LE(bytes_at(got, "ImportToken").size(), 6144U);
    const double left = std::stod(got.at("ParametersValidTo")) -
                        std::chrono::duration<double>(Harness::now().time_since_epoch()).count();
    EXPECT_LE(left, 86400.0);
    EXPECT_GT(left, 86000.0);
    const Parameters with{.scheme = pkcs11::ImportScheme::oaep_sha256,
                          .token = bytes_at(got, "ImportToken"),
                          .public_key = bytes_at(got, "PublicKey")};
    EXPECT_EQ(import(kms(), id, with, material).outcome(), "200");
  }
}

// spec: recorded from AWS (test_import_key_symmetric).
TEST_F(Import, AnswersAsRecordedForASymmetricKey) {
  const Answer created = kms().ok("CreateKey", kExternal);
  const std::string id = created.at("KeyMetadata.KeyId");
  EXPECT_EQ(created.at("KeyMetadata.KeyState"), "PendingImport");
  EXPECT_EQ(created.at("KeyMetadata.Enabled"), "false");
  EXPECT_EQ(created.at("KeyMetadata.CurrentKeyMaterialId"), "(absent)");
  EXPECT_EQ(created.at("KeyMetadata.ExpirationModel"), "(absent)");
  const std::string encrypt_body = "{\"KeyId\":\"" + id + R"(","Plaintext":"bQ=="})";
  EXPECT_EQ(kms().call("Encrypt", encrypt_body).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(id) + " is pending import.");
  EXPECT_EQ(kms().ok("GetKeyRotationStatus", id_of(id)).at("KeyRotationEnabled"), "false");
  const Parameters with = parameters(kms(), id);
  const Bytes material = random_bytes(32);
  EXPECT_EQ(import(kms(), id, with, material, "").outcome(),
            "400 ValidationException: A validTo date must be set if the ExpirationModel is "
            "KEY_MATERIAL_EXPIRES");
  const std::string material_id = import(kms(), id, with, material).at("KeyMaterialId");
  EXPECT_EQ(describe(kms(), id).json["KeyMetadata"].MemberCount(), 16U);
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.CurrentKeyMaterialId"), material_id);
  const std::string blob = encrypt(id);

  const Answer deleted = kms().ok("DeleteImportedKeyMaterial", id_of(id));
  EXPECT_EQ(deleted.at("KeyId"), kms().arn(id));
  EXPECT_EQ(deleted.at("KeyMaterialId"), material_id);
  const Answer described = describe(kms(), id);
  EXPECT_EQ(described.at("KeyMetadata.KeyState"), "PendingImport");
  EXPECT_EQ(described.at("KeyMetadata.CurrentKeyMaterialId"), material_id);
  EXPECT_EQ(described.at("KeyMetadata.ExpirationModel"), "(absent)");
  EXPECT_EQ(decrypt(blob),
            "400 KMSInvalidStateException: " + kms().arn(id) + " is pending import.");
  EXPECT_EQ(kms().ok("DeleteImportedKeyMaterial", id_of(id)).at("KeyMaterialId"), material_id);

  // Other material is not taken; the same opens what it encrypted.
  EXPECT_EQ(import(kms(), id, with, random_bytes(32)).outcome(), kIncorrect);
  EXPECT_EQ(import(kms(), id, with, material).at("KeyMaterialId"), material_id);
  EXPECT_EQ(decrypt(blob), "200 attack at dawn");
}

TEST_F(Import, AKeyThatIsNotSymmetricHasOneMaterialForItsLife) {
  for (const char* spec : {"HMAC_256", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519"}) {
    const Row& row = *std::ranges::find(kRows, std::string_view(spec),
                                        [](const Row& one) { return std::string_view(one.spec); });
    const std::string id = kms().create_key(external_key_of(row.spec, row.usage));
    const Bytes material = fresh_material(row);
    const Parameters with = parameters(kms(), id);
    ASSERT_EQ(import(kms(), id, with, material).outcome(), "200");
    EXPECT_EQ(import(kms(), id, with, fresh_material(row)).outcome(), kIncorrect);
    expect_works(row, id, material);
    EXPECT_EQ(kms().ok("DeleteImportedKeyMaterial", id_of(id)).at("KeyMaterialId"), "(absent)");
    EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "PendingImport");
    EXPECT_EQ(import(kms(), id, with, fresh_material(row)).outcome(), kIncorrect);
    ASSERT_EQ(import(kms(), id, with, material).outcome(), "200");
    expect_works(row, id, material);
  }
}

TEST_F(Import, TheSameBytesAreOtherMaterialInAnotherKey) {
  const Bytes material = random_bytes(32);
  const std::string one = external_key();
  const std::string other = external_key();
  EXPECT_NE(import(kms(), one, parameters(kms(), one), material).at("KeyMaterialId"),
            import(kms(), other, parameters(kms(), other), material).at("KeyMaterialId"));
}

TEST_F(Import, MoreMaterialWaitsForARotation) {
  const std::string id = external_key();
  const Parameters with = parameters(kms(), id);
  const Bytes first = random_bytes(32);
  const Bytes second = random_bytes(32);
  const std::string fresh = std::string(kForever) + R"(,"ImportType":"NEW_KEY_MATERIAL")";
  EXPECT_EQ(import(kms(), id, with, first,
                   std::string(kForever) + R"(,"ImportType":"EXISTING_KEY_MATERIAL")")
                .outcome(),
            kIncorrect);
  const std::string first_id = import(kms(), id, with, first, fresh).at("KeyMaterialId");
  EXPECT_EQ(import(kms(), id, with, first, fresh).outcome(), kIncorrect);
  const std::string second_id = import(kms(), id, with, second, fresh).at("KeyMaterialId");
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.CurrentKeyMaterialId"), first_id);
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "Enabled");
  EXPECT_TRUE(import(kms(), id, with, random_bytes(32), fresh)
                  .outcome()
                  .ends_with(") cannot be imported into KMS key " + kms().arn(id) +
                             ", because another key material (id: " + second_id +
                             ") is pending rotation."));
  const auto named = [&](const std::string& material_id) {
    return std::string(kForever) + R"(,"KeyMaterialId":")" + material_id + "\"";
  };
  EXPECT_EQ(import(kms(), id, with, second, named(second_id)).outcome(), "200");
  EXPECT_EQ(import(kms(), id, with, second, named(first_id)).outcome(), kIncorrect);
  EXPECT_EQ(import(kms(), id, with, second, named(std::string(64, '0'))).outcome(), kIncorrect);
  EXPECT_EQ(
      import(kms(), id, with, second, named(second_id) + R"(,"ImportType":"NEW_KEY_MATERIAL")")
          .outcome(),
      "400 ValidationException: KeyMaterialId is not valid with ImportType NEW_KEY_MATERIAL.");

  // What was never current is forgotten when it is deleted, and the key does not need it.
  const auto delete_body = [&](const std::string& material_id) {
    return "{\"KeyId\":\"" + id + R"(","KeyMaterialId":")" + material_id + "\"}";
  };
  EXPECT_EQ(kms().ok("DeleteImportedKeyMaterial", delete_body(second_id)).at("KeyMaterialId"),
            second_id);
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "Enabled");
  const Answer again = kms().ok("DeleteImportedKeyMaterial", delete_body(second_id));
  EXPECT_EQ(again.at("KeyId"), kms().arn(id));
  EXPECT_EQ(again.at("KeyMaterialId"), second_id);
  EXPECT_EQ(import(kms(), id, with, second, fresh).at("KeyMaterialId"), second_id);
}

TEST_F(Import, RefusesWhatIsNoMaterialOfTheKey) {
  const std::string id = external_key();
  const Parameters with = parameters(kms(), id);
  for (const std::size_t size : {16U, 24U, 31U, 33U, 64U}) {
    EXPECT_EQ(import(kms(), id, with, random_bytes(size)).outcome(), kIncorrect) << size;
  }
  const std::string mac = kms().create_key(external_key_of("HMAC_384", "GENERATE_VERIFY_MAC"));
  for (const char* algorithm : {"RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256"}) {
    const Parameters mac_parameters = parameters(kms(), mac, algorithm);
    for (const std::size_t size : {32U, 47U, 49U, 64U}) {
      EXPECT_EQ(import(kms(), mac, mac_parameters, random_bytes(size)).outcome(), kIncorrect)
          << algorithm << size;
    }
  }
  const std::string curve = kms().create_key(external_key_of("ECC_NIST_P256", "SIGN_VERIFY"));
  const Parameters curve_parameters = parameters(kms(), curve, "RSA_AES_KEY_WRAP_SHA_256");
  for (const char* other : {"secp256k1", "P-384", "RSA:2048", "ED25519"}) {
    EXPECT_EQ(import(kms(), curve, curve_parameters, private_key(other)).outcome(), kIncorrect)
        << other;
  }
  const std::string rsa = kms().create_key(external_key_of("RSA_3072", "ENCRYPT_DECRYPT"));
  const Parameters rsa_parameters = parameters(kms(), rsa, "RSA_AES_KEY_WRAP_SHA_256");
  EXPECT_EQ(import(kms(), rsa, rsa_parameters, private_key("RSA:2048")).outcome(), kIncorrect);
  EXPECT_EQ(import(kms(), rsa, rsa_parameters, random_bytes(100)).outcome(), kIncorrect);
  const Bytes sound = private_key("RSA:3072");
  EXPECT_EQ(import(kms(), rsa, rsa_parameters, idle_rsa(sound)).outcome(), kIncorrect);
  EXPECT_EQ(import(kms(), rsa, rsa_parameters, sound).outcome(), "200");
  // None of that used the parameters up.
  EXPECT_EQ(import(kms(), curve, curve_parameters, private_key("P-256")).outcome(), "200");
  EXPECT_EQ(import(kms(), id, with, random_bytes(32)).outcome(), "200");
}

TEST_F(Import, RefusesACiphertextThatDoesNotOpen) {
  for (const char* algorithm : {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1",
                                "RSA_AES_KEY_WRAP_SHA_256"}) {
    SCOPED_TRACE(algorithm);
    const std::string id = external_key();
    const Parameters with = parameters(kms(), id, algorithm);
    const Bytes good = wrap_for_import(with.public_key, with.scheme, random_bytes(32));
    const auto outcome = [&](ByteView encrypted) {
      return kms().call("ImportKeyMaterial", import_body(id, with.token, encrypted)).outcome();
    };
    for (const std::size_t at : {std::size_t{1}, good.size() / 2, good.size() - 1}) {
      Bytes bad = good;
      bad[at] ^= 1;
      EXPECT_EQ(outcome(bad), "400 InvalidCiphertextException: -") << at;
    }
    const Bytes other_scheme = wrap_for_import(
        with.public_key,
        with.scheme == pkcs11::ImportScheme::oaep_sha1      ? pkcs11::ImportScheme::oaep_sha256
        : with.scheme == pkcs11::ImportScheme::oaep_sha256  ? pkcs11::ImportScheme::oaep_sha1
        : with.scheme == pkcs11::ImportScheme::rsa_aes_sha1 ? pkcs11::ImportScheme::rsa_aes_sha256
                                                            : pkcs11::ImportScheme::rsa_aes_sha1,
        random_bytes(32));
    EXPECT_EQ(outcome(other_scheme), "400 InvalidCiphertextException: -");
    EXPECT_EQ(outcome(ByteView(good).first(255)),
              "400 ValidationException: Invalid encrypted key size.");
    EXPECT_EQ(outcome(good), "200");
  }
}

TEST_F(Import, RefusesAnImportTokenThatIsNotItsOwn) {
  const std::string id = external_key();
  const std::string other = external_key();
  const Parameters with = parameters(kms(), id);
  const Bytes encrypted = wrap_for_import(with.public_key, with.scheme, random_bytes(32));
  const auto outcome = [&](const std::string& key, ByteView token) {
    return kms().call("ImportKeyMaterial", import_body(key, token, encrypted)).outcome();
  };
  const auto invalid = [](const std::string& key) {
    return "400 InvalidImportTokenException: The import token is not valid for the KMS key " +
           kms().arn(key) + ".";
  };
  EXPECT_EQ(outcome(other, with.token), invalid(other));
  EXPECT_EQ(outcome(id, as_bytes("junk")), invalid(id));
  for (std::size_t at = 0; at < with.token.size(); at += at < 256 ? 1 : 61) {
    Bytes altered = with.token;
    altered[at] ^= 0x40;
    EXPECT_EQ(outcome(id, altered), invalid(id)) << at;
  }
  for (const std::size_t size : {with.token.size() - 1, with.token.size() / 2, std::size_t{40}}) {
    EXPECT_EQ(outcome(id, ByteView(with.token).first(size)), invalid(id)) << size;
  }
  Bytes longer = with.token;
  longer.push_back(0);
  EXPECT_EQ(outcome(id, longer), invalid(id));
  EXPECT_EQ(outcome(id, with.token), "200");
}

TEST_F(Import, RefusesRequestsThatMakeNoSense) {
  const std::string id = external_key();
  const Parameters with = parameters(kms(), id);
  const auto outcome = [&](const std::string& more) {
    return import(kms(), id, with, random_bytes(32), more).outcome();
  };
  const auto seconds = [](std::chrono::hours from_now) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                              (Harness::now() + from_now).time_since_epoch())
                              .count());
  };
  EXPECT_EQ(outcome(std::string(kForever) + ",\"ValidTo\":" + seconds(std::chrono::hours(1))),
            "400 ValidationException: A validTo date must not be set if the ExpirationModel is "
            "KEY_MATERIAL_DOES_NOT_EXPIRE");
  EXPECT_EQ(outcome(",\"ValidTo\":" + seconds(std::chrono::hours(-1))),
            "400 ValidationException: ValidTo must be in the future");
  EXPECT_EQ(outcome(",\"ValidTo\":" + seconds(std::chrono::hours(24 * 366))),
            "400 ValidationException: ValidTo must be within 365 days");
  const std::string mac = kms().create_key(external_key_of("HMAC_256", "GENERATE_VERIFY_MAC"));
  EXPECT_EQ(import(kms(), mac, parameters(kms(), mac), random_bytes(32),
                   std::string(kForever) + R"(,"KeyMaterialDescription":"mine")")
                .outcome(),
            "400 ValidationException: ImportType, KeyMaterialId and KeyMaterialDescription are "
            "valid only for symmetric encryption keys.");
  for (const char* algorithm : {"RSAES_PKCS1_V1_5", "SM2PKE"}) {
    EXPECT_EQ(kms().call("GetParametersForImport", parameters_body(id, algorithm)).outcome(),
              "400 UnsupportedOperationException: WrappingAlgorithm " + std::string(algorithm) +
                  " is not supported.");
  }
  EXPECT_EQ(
      kms().call("CreateKey", external_key_of("ML_DSA_44", "SIGN_VERIFY")).outcome(),
      "400 UnsupportedOperationException: KeySpec ML_DSA_44 is not supported for Origin EXTERNAL");
}

TEST_F(Import, IsOnlyForKeysWhoseMaterialIsImported) {
  const std::string id = kms().create_key();
  const std::string refused = "400 UnsupportedOperationException: " + kms().arn(id) +
                              " origin is AWS_KMS which is not valid for this operation.";
  const auto expect_refused = [&] {
    EXPECT_EQ(
        kms().call("GetParametersForImport", parameters_body(id, "RSAES_OAEP_SHA_256")).outcome(),
        refused);
    EXPECT_EQ(
        kms().call("ImportKeyMaterial", import_body(id, as_bytes("t"), as_bytes("m"))).outcome(),
        refused);
    EXPECT_EQ(kms().call("DeleteImportedKeyMaterial", id_of(id)).outcome(), refused);
  };
  expect_refused();
  kms().ok("ScheduleKeyDeletion", id_of(id));
  expect_refused();
}

TEST_F(Import, StatesAreKeptThatDoNotComeFromMaterial) {
  const std::string id = external_key();
  const Parameters with = parameters(kms(), id);
  const Bytes material = random_bytes(32);
  ASSERT_EQ(import(kms(), id, with, material).outcome(), "200");
  kms().ok("DisableKey", id_of(id));
  ASSERT_EQ(import(kms(), id, with, material).outcome(), "200");
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "Disabled");
  kms().ok("ScheduleKeyDeletion", id_of(id));
  EXPECT_EQ(import(kms(), id, with, material).outcome(),
            "400 KMSInvalidStateException: " + kms().arn(id) + " is pending deletion.");
  kms().ok("CancelKeyDeletion", id_of(id));
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "Disabled");
  kms().ok("ScheduleKeyDeletion", id_of(id));
  kms().ok("DeleteImportedKeyMaterial", id_of(id));
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "PendingDeletion");
  kms().ok("CancelKeyDeletion", id_of(id));
  EXPECT_EQ(describe(kms(), id).at("KeyMetadata.KeyState"), "PendingImport");
}

}  // namespace
}  // namespace kms::test
