#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>

#include "connector/api/shapes.h"
#include "tests/connector/api/decoding.h"

// What the model forbids, in AWS's words (spec/kms_behaviour.md, e5).
namespace kms::api {
namespace {

std::string one(std::string_view text) {
  return "1 validation error detected: " + std::string(text);
}

constexpr std::string_view kKeySpecs =
    "[RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, "
    "SYMMETRIC_DEFAULT, HMAC_224, HMAC_256, HMAC_384, HMAC_512, SM2, ML_DSA_44, ML_DSA_65, "
    "ML_DSA_87, "
    "ECC_NIST_EDWARDS25519]";

TEST(Constraints, MissingMembersAreNull) {
  EXPECT_EQ(violation("DescribeKey", "{}"),
            one("Value null at 'keyId' failed to satisfy constraint: Member must not be null"));
  EXPECT_EQ(violation("DescribeKey", R"({"KeyId":null})"),
            one("Value null at 'keyId' failed to satisfy constraint: Member must not be null"));
  EXPECT_EQ(violation("DescribeKey", R"({"keyId":"k"})"),
            one("Value null at 'keyId' failed to satisfy constraint: Member must not be null"));
}

TEST(Constraints, SensitiveMembersAreNotToldBack) {
  EXPECT_EQ(violation("Encrypt", R"({"KeyId":"k"})"),
            one("Value at 'plaintext' failed to satisfy constraint: Member must not be null"));
  EXPECT_EQ(violation("Encrypt", R"({"KeyId":"k","Plaintext":""})"),
            one("Value at 'plaintext' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"));
  EXPECT_EQ(violation("Encrypt", R"({"KeyId":"k","Plaintext":")" + std::string(5464, 'A') + "\"}"),
            one("Value at 'plaintext' failed to satisfy constraint: "
                "Member must have length less than or equal to 4096"));
  EXPECT_EQ(violation("UpdateCustomKeyStore",
                      R"({"CustomKeyStoreId":"cks-1","KeyStorePassword":"secret"})"),
            one("Value at 'keyStorePassword' failed to satisfy constraint: "
                "Member must have length greater than or equal to 7"));
  EXPECT_EQ(violation("UpdateCustomKeyStore",
                      R"({"CustomKeyStoreId":"cks-1","XksProxyAuthenticationCredential":)"
                      R"({"AccessKeyId":"abcdefghijklmnopqrst"}})"),
            "2 validation errors detected: Value at 'xksProxyAuthenticationCredential.accessKeyId' "
            "failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: ^[A-Z2-7]+$; Value at "
            "'xksProxyAuthenticationCredential.rawSecretAccessKey' failed to satisfy constraint: "
            "Member must not be null");
}

TEST(Constraints, LongestSecretsPass) {
  const auto request = decode_text<EncryptRequest>(R"({"KeyId":"k","Plaintext":")" +
                                                   std::string(5460, 'A') + "AA==\"}");
  EXPECT_EQ(request.plaintext.size(), 4096U);
  EXPECT_EQ(decode_text<UpdateCustomKeyStoreRequest>(
                R"({"CustomKeyStoreId":"c","KeyStorePassword":"1234567"})")
                .key_store_password->text(),
            "1234567");
}

TEST(Constraints, BlobsAreNotToldBack) {
  EXPECT_EQ(violation("ReEncrypt", R"({"DestinationKeyId":"k","CiphertextBlob":""})"),
            one("Value at 'ciphertextBlob' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"));
  EXPECT_EQ(
      violation("VerifyMac", R"({"KeyId":"k","Message":"aA==","MacAlgorithm":"HMAC_SHA_256"})"),
      one("Value null at 'mac' failed to satisfy constraint: Member must not be null"));
}

TEST(Constraints, LengthComesBeforePattern) {
  EXPECT_EQ(
      violation("DescribeKey", R"({"KeyId":""})"),
      R"(2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length )"
      R"(greater than or equal to 1; Value '' at 'keyId' failed to satisfy constraint: Member must satisfy )"
      R"(regular expression pattern: ^\p{ASCII}+$)");
  EXPECT_EQ(violation("DescribeKey", R"({"KeyId":"käy"})"),
            one(R"(Value 'käy' at 'keyId' failed to satisfy constraint: Member must satisfy )"
                R"(regular expression pattern: ^\p{ASCII}+$)"));
  const std::string name(257, 'a');
  EXPECT_EQ(violation("CreateAlias", R"({"TargetKeyId":"k","AliasName":")" + name + " \"}"),
            "2 validation errors detected: Value '" + name +
                " ' at 'aliasName' failed to satisfy constraint: Member must have length less than "
                "or equal to 256; "
                "Value '" +
                name +
                " ' at 'aliasName' failed to satisfy constraint: Member must satisfy regular "
                "expression pattern: "
                "^[a-zA-Z0-9:/_-]+$");
}

TEST(Constraints, LengthsCountCodePoints) {
  std::string key;
  for (int i = 0; i < 128; ++i) key += "\U0001F600";
  const auto tag = [](const std::string& k) {
    return R"({"KeyId":"k","Tags":[{"TagKey":")" + k + R"(","TagValue":""}]})";
  };
  EXPECT_EQ(violation("TagResource", tag(key)), "");
  EXPECT_EQ(violation("TagResource", tag(key + "x")),
            one("Value '" + key +
                "x' at 'tags.1.member.tagKey' failed to satisfy constraint: "
                "Member must have length less than or equal to 128"));
}

TEST(Constraints, NumbersAreQuoted) {
  const auto bytes = [](const char* number) {
    return violation("GenerateRandom", std::string("{\"NumberOfBytes\":") + number + "}");
  };
  const auto low = [](const char* value) {
    return one("Value '" + std::string(value) +
               "' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater "
               "than or equal to 1");
  };
  const auto high = [](const char* value) {
    return one("Value '" + std::string(value) +
               "' at 'numberOfBytes' failed to satisfy constraint: Member must have value less "
               "than or equal to 1024");
  };
  EXPECT_EQ(bytes("0"), low("0"));
  EXPECT_EQ(bytes("-7"), low("-7"));
  EXPECT_EQ(bytes("0.9"), low("0"));
  EXPECT_EQ(bytes("0e77"), low("0"));
  EXPECT_EQ(bytes("-0.0E-5"), low("0"));
  EXPECT_EQ(bytes("1e-400"), low("0"));
  EXPECT_EQ(bytes("1025"), high("1025"));
  EXPECT_EQ(bytes("4294967297"), high("4294967297"));
  EXPECT_EQ(bytes("9223372036854775808"), high("9223372036854775807"));
  EXPECT_EQ(bytes("18446744073709551617"), high("9223372036854775807"));
  EXPECT_EQ(bytes("1e300"), high("9223372036854775807"));
  EXPECT_EQ(bytes("-1e300"), low("-9223372036854775808"));
  EXPECT_EQ(bytes("1"), "");
  EXPECT_EQ(bytes("1024"), "");
  EXPECT_EQ(bytes("1024.9"), "");
  EXPECT_EQ(decode_text<GenerateRandomRequest>(R"({"NumberOfBytes":1.5})").number_of_bytes, 1);
  EXPECT_EQ(decode_text<GenerateRandomRequest>(R"({"NumberOfBytes":1e2})").number_of_bytes, 100);
}

TEST(Constraints, EnumsListTheirValues) {
  EXPECT_EQ(violation("CreateKey", R"({"KeySpec":"HMAC_random"})"),
            one("Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: Member must "
                "satisfy enum value set: " +
                std::string(kKeySpecs)));
  EXPECT_EQ(violation("CreateKey", R"({"KeySpec":""})"),
            one("Value '' at 'keySpec' failed to satisfy constraint: Member must satisfy enum "
                "value set: " +
                std::string(kKeySpecs)));
  EXPECT_EQ(violation("CreateKey", R"({"KeySpec":"HMAC_256","KeyUsage":"RANDOM"})"),
            one("Value 'RANDOM' at 'keyUsage' failed to satisfy constraint: Member must satisfy "
                "enum value set: "
                "[SIGN_VERIFY, ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT]"));
  EXPECT_EQ(violation("DeriveSharedSecret",
                      R"({"KeyId":"k","KeyAgreementAlgorithm":"INVALID","PublicKey":"aGk="})"),
            one("Value 'INVALID' at 'keyAgreementAlgorithm' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ECDH]"));
}

TEST(Constraints, DataKeySpecIsCheckedAgainstAllKeySpecs) {
  const auto spec = [](const char* value) {
    return R"({"KeyId":"k","KeySpec":")" + std::string(value) + "\"}";
  };
  for (const char* operation : {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}) {
    EXPECT_EQ(violation(operation, spec("AES_512")),
              one("Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy "
                  "enum value set: " +
                  std::string(kKeySpecs)));
    EXPECT_EQ(violation(operation, spec("AES_128")), "");
    EXPECT_EQ(violation(operation, spec("RSA_2048")), "");
  }
  EXPECT_EQ(decode_text<GenerateDataKeyRequest>(spec("AES_256")).key_spec, DataKeySpec::aes_256);
  EXPECT_EQ(decode_text<GenerateDataKeyRequest>(spec("RSA_2048")).key_spec, DataKeySpec::rsa_2048);
}

TEST(Constraints, SymmetricDefaultPassesAsASigningAlgorithm) {
  const auto sign = [](const char* value) {
    return R"({"KeyId":"k","Message":"aGk=","SigningAlgorithm":")" + std::string(value) + "\"}";
  };
  EXPECT_EQ(decode_text<SignRequest>(sign("SYMMETRIC_DEFAULT")).signing_algorithm,
            SigningAlgorithmSpec::symmetric_default);
  EXPECT_EQ(
      violation("Sign", sign("X")),
      one("Value 'X' at 'signingAlgorithm' failed to satisfy constraint: Member must satisfy enum "
          "value set: "
          "[RSASSA_PSS_SHA_256, RSASSA_PSS_SHA_384, RSASSA_PSS_SHA_512, RSASSA_PKCS1_V1_5_SHA_256, "
          "RSASSA_PKCS1_V1_5_SHA_384, RSASSA_PKCS1_V1_5_SHA_512, ECDSA_SHA_256, ECDSA_SHA_384, "
          "ECDSA_SHA_512, "
          "SM2DSA, ML_DSA_SHAKE_256, ED25519_SHA_512, ED25519_PH_SHA_512]"));
}

TEST(Constraints, ListsCountFromOne) {
  EXPECT_EQ(violation("CreateKey",
                      R"({"Tags":[{"TagKey":"a","TagValue":"b"},{"TagKey":"","TagValue":"b"},null,)"
                      R"({"TagKey":"c"}]})"),
            "2 validation errors detected: Value '' at 'tags.2.member.tagKey' failed to satisfy "
            "constraint: "
            "Member must have length greater than or equal to 1; Value null at "
            "'tags.3.member.tagValue' failed to "
            "satisfy constraint: Member must not be null");
}

TEST(Constraints, ElementsOfAListAreJudgedTogether) {
  EXPECT_EQ(violation("UntagResource", R"({"KeyId":"k","TagKeys":["a","","b",""]})"),
            one("Value '[a, , b, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy "
                "constraint: "
                "[Member must have length less than or equal to 128, "
                "Member must have length greater than or equal to 1]"));
  EXPECT_EQ(
      violation("Decrypt",
                R"({"CiphertextBlob":"aGk=","DryRunModifiers":["NOPE","IGNORE_CIPHERTEXT"]})"),
      one("Value '[NOPE, IGNORE_CIPHERTEXT]' at 'dryRunModifiers' failed to satisfy constraint: "
          "Member must satisfy constraint: [Member must satisfy enum value set: "
          "[IGNORE_CIPHERTEXT]]"));
}

TEST(Constraints, GrantTokensAreNotToldBack) {
  std::string tokens = "\"t\"";
  for (int i = 1; i < 11; ++i) tokens += ",\"t\"";
  EXPECT_EQ(violation("DescribeKey", R"({"KeyId":"k","GrantTokens":[)" + tokens + "]}"),
            one("Value at 'grantTokens' failed to satisfy constraint: "
                "Member must have length less than or equal to 10"));
  EXPECT_EQ(
      violation("DescribeKey", R"({"KeyId":"k","GrantTokens":["token",""]})"),
      one("Value at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: "
          "[Member must have length less than or equal to 8192, "
          "Member must have length greater than or equal to 1]"));
}

TEST(Constraints, StopAtTen) {
  std::string tags = "{}";
  for (int i = 1; i < 20; ++i) tags += ",{}";
  std::string expected = "10 validation errors detected: ";
  for (int i = 1; i <= 5; ++i) {
    for (const char* member : {"tagKey", "tagValue"}) {
      if (expected.back() != ' ') expected += "; ";
      expected += "Value null at 'tags." + std::to_string(i) + ".member." + member +
                  "' failed to satisfy constraint: Member must not be null";
    }
  }
  EXPECT_EQ(violation("CreateKey", R"({"Tags":[)" + tags + "]}"), expected);
}

TEST(Constraints, ComeInTheModelsOrder) {
  EXPECT_EQ(
      violation("UpdateAlias", R"({"TargetKeyId":"","AliasName":"a b"})"),
      R"(3 validation errors detected: Value 'a b' at 'aliasName' failed to satisfy constraint: Member must )"
      R"(satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$; Value '' at 'targetKeyId' failed to satisfy )"
      R"(constraint: Member must have length greater than or equal to 1; Value '' at 'targetKeyId' failed to )"
      R"(satisfy constraint: Member must satisfy regular expression pattern: ^\p{ASCII}+$)");
}

TEST(Nulls, AreAbsentEverywhere) {
  const auto request = decode_text<EncryptRequest>(
      R"({"KeyId":"k","Plaintext":"aGk=","EncryptionContext":{"a":null,"b":"c"},"GrantTokens":[null,"t",null],)"
      R"("EncryptionAlgorithm":null,"DryRun":null})");
  EXPECT_EQ(request.encryption_context, (StringMap{{"b", "c"}}));
  EXPECT_EQ(request.grant_tokens, std::vector<std::string>{"t"});
  EXPECT_EQ(request.encryption_algorithm, std::nullopt);
  EXPECT_EQ(request.dry_run, std::nullopt);
}

TEST(Nulls, AreNotWhatIsEmpty) {
  const auto request = decode_text<EncryptRequest>(
      R"({"KeyId":"k","Plaintext":"aGk=","EncryptionContext":{},"GrantTokens":[]})");
  EXPECT_EQ(request.encryption_context, StringMap{});
  EXPECT_EQ(request.grant_tokens, std::vector<std::string>{});
}

TEST(Timestamps, KeepMilliseconds) {
  const auto milliseconds = [](const char* number) {
    return decode_text<ImportKeyMaterialRequest>(
               R"({"KeyId":"k","ImportToken":"aGk=","EncryptedKeyMaterial":"aGk=","ValidTo":)" +
               std::string(number) + "}")
        .valid_to->time_since_epoch()
        .count();
  };
  EXPECT_EQ(milliseconds("1609193147"), 1609193147000);
  EXPECT_EQ(milliseconds("1609193147.831"), 1609193147831);
  EXPECT_EQ(milliseconds("1.609193147831E9"), 1609193147831);
  EXPECT_EQ(milliseconds("0.001"), 1);
  EXPECT_EQ(milliseconds("253402300798.999"), 253402300798999);
  EXPECT_EQ(milliseconds("1609193147.8310000000000000000001"), 1609193147831);
  EXPECT_EQ(milliseconds("-0.5"), -500);
  EXPECT_EQ(milliseconds("1e300"), 253402300799000);
  EXPECT_EQ(milliseconds("-1e300"), -62135596800000);
}

/// Runs on a stack far too small for a recursion over the text.
void on_a_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 512 * 1024), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* argument) -> void* {
                  (*static_cast<std::function<void()>*>(argument))();
                  return nullptr;
                },
                &body),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(LongTexts, OfThePolicysFullLengthPass) {
  on_a_small_stack([] {
    const auto put = [](const std::string& policy) {
      return violation("PutKeyPolicy", R"({"KeyId":"k","Policy":")" + policy + "\"}");
    };
    EXPECT_EQ(put(std::string(131072, 'a')), "");
    const std::string over(131073, 'a');
    EXPECT_EQ(put(over), one("Value '" + over +
                             "' at 'policy' failed to satisfy constraint: "
                             "Member must have length less than or equal to 131072"));
    const std::string wide = std::string(131071, 'a') + "\u0100";
    EXPECT_EQ(
        put(wide),
        one("Value '" + wide +
            R"(' at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: )"
            R"([\u0009\u000A\u000D\u0020-\u00FF]+)"));
  });
}

TEST(LongTexts, OfAMebibyteAreRefusedByTheirLength) {
  on_a_small_stack([] {
    const std::string text(1U << 20U, 'a');
    EXPECT_EQ(violation("DescribeKey", R"({"KeyId":")" + text + "\"}"),
              one("Value '" + text +
                  "' at 'keyId' failed to satisfy constraint: Member must have length less than or "
                  "equal to 2048"));
    std::string region;
    while (region.size() < 1U << 20U) region += "a-";
    EXPECT_EQ(
        violation("UpdatePrimaryRegion", R"({"KeyId":"k","PrimaryRegion":")" + region + "\"}"),
        one("Value '" + region +
            "' at 'primaryRegion' failed to satisfy constraint: Member must have length less than "
            "or equal to "
            "32"));
  });
}

}  // namespace
}  // namespace kms::api
