#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "connector/keys/key_state.h"
#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

namespace kms::test {
namespace {

// What all operations that use a key have in common: states, grant tokens, references, audit.

/// One operation on a key of its own.
struct Operation {
  std::string name;
  std::string spec;
  std::string usage;
  /// The members of a request besides KeyId, so that it succeeds.
  std::function<std::string(Harness&, const std::string& key)> members;
  /// requestParameters of its audit record besides keyId.
  std::string audited;
};

std::string text(std::string_view answer_member, const Answer& answer, std::string_view path) {
  return member(answer_member, std::string_view(answer.at(path)));
}

std::vector<Operation> operations() {
  const std::string message = R"(,"Message":"c2VjcmV0")";
  const std::string ecdsa = message + R"(,"SigningAlgorithm":"ECDSA_SHA_256")";
  const std::string hmac = message + R"(,"MacAlgorithm":"HMAC_SHA_256")";
  const std::string oaep = R"(,"EncryptionAlgorithm":"RSAES_OAEP_SHA_256")";
  const auto fixed = [](std::string members) {
    return [members = std::move(members)](Harness&, const std::string&) { return members; };
  };
  return {
      {"Encrypt", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", fixed(R"(,"Plaintext":"c2VjcmV0")"),
       R"("encryptionAlgorithm":"SYMMETRIC_DEFAULT")"},
      {"Encrypt", "RSA_2048", "ENCRYPT_DECRYPT", fixed(R"(,"Plaintext":"c2VjcmV0")" + oaep),
       R"("encryptionAlgorithm":"RSAES_OAEP_SHA_256")"},
      {"Decrypt", "RSA_2048", "ENCRYPT_DECRYPT",
       [oaep](Harness& kms, const std::string& key) {
         return oaep + text("CiphertextBlob",
                            kms.ok("Encrypt", "{\"KeyId\":\"" + key +
                                                  R"(","Plaintext":"c2VjcmV0")" + oaep + "}"),
                            "CiphertextBlob");
       },
       R"("encryptionAlgorithm":"RSAES_OAEP_SHA_256")"},
      {"GenerateDataKey", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", fixed(R"(,"NumberOfBytes":7)"),
       R"("numberOfBytes":7)"},
      {"GenerateDataKeyPair", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT",
       fixed(R"(,"KeyPairSpec":"ECC_NIST_P256")"), R"("keyPairSpec":"ECC_NIST_P256")"},
      {"GenerateDataKeyPairWithoutPlaintext", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT",
       fixed(R"(,"KeyPairSpec":"ECC_NIST_P256")"), R"("keyPairSpec":"ECC_NIST_P256")"},
      {"Sign", "ECC_NIST_P256", "SIGN_VERIFY", fixed(ecdsa + R"(,"MessageType":"RAW")"),
       R"("messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256")"},
      {"Verify", "ECC_NIST_P256", "SIGN_VERIFY",
       [ecdsa](Harness& kms, const std::string& key) {
         return ecdsa + text("Signature",
                             kms.ok("Sign", "{\"KeyId\":\"" + key + "\"" + ecdsa + "}"),
                             "Signature");
       },
       R"("messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256")"},
      {"GenerateMac", "HMAC_256", "GENERATE_VERIFY_MAC", fixed(hmac),
       R"("macAlgorithm":"HMAC_SHA_256")"},
      {"VerifyMac", "HMAC_256", "GENERATE_VERIFY_MAC",
       [hmac](Harness& kms, const std::string& key) {
         return hmac + text("Mac", kms.ok("GenerateMac", "{\"KeyId\":\"" + key + "\"" + hmac + "}"),
                            "Mac");
       },
       R"("macAlgorithm":"HMAC_SHA_256")"},
      {"DeriveSharedSecret", "ECC_NIST_P256", "KEY_AGREEMENT",
       [](Harness&, const std::string&) {
         return R"(,"KeyAgreementAlgorithm":"ECDH")" +
                member("PublicKey", Peer("P-256").public_key());
       },
       R"("keyAgreementAlgorithm":"ECDH")"},
      {"GetPublicKey", "ECC_NIST_P256", "SIGN_VERIFY", fixed(""), ""},
  };
}

/// What the state table says, in words.
std::string expected(keys::StateRule rule, const std::string& arn) {
  switch (rule) {
    case keys::StateRule::ok:
      return "200";
    case keys::StateRule::disabled:
      return "400 DisabledException: " + arn + " is disabled.";
    case keys::StateRule::pending_deletion:
      return "400 KMSInvalidStateException: " + arn + " is pending deletion.";
    case keys::StateRule::pending_import:
      return "400 KMSInvalidStateException: " + arn + " is pending import.";
    case keys::StateRule::unavailable:
      return "400 KMSInvalidStateException: " + arn + " is unavailable.";
    case keys::StateRule::not_pending:
    case keys::StateRule::creating:
    case keys::StateRule::updating:
    case keys::StateRule::wrong_origin:
      break;
  }
  return "(unexpected)";
}

class CryptoOperations : public AsymmetricTest {};

TEST_F(CryptoOperations, AnswerAsTheStateTableSays) {
  const std::string store = kms().connected_store();
  const std::string unavailable =
      kms().create_key(R"({"Origin":"AWS_CLOUDHSM","CustomKeyStoreId":")" + store + "\"}");
  kms().ok("DisconnectCustomKeyStore", R"({"CustomKeyStoreId":")" + store + "\"}");
  kms().await_state(store, "DISCONNECTED");
  for (const Operation& operation : operations()) {
    SCOPED_TRACE(operation.name + " " + operation.spec);
    const std::string id = kms().create_key(key_of(operation.spec, operation.usage));
    const auto row =
        std::ranges::find(keys::state_table(), operation.name, &keys::StateRow::operation);
    const auto check = [&, members = operation.members(kms(), id)](const std::string& key,
                                                                   keys::StateRule rule) {
      const std::string body = "{\"KeyId\":\"" + key + "\"" + members + "}";
      EXPECT_EQ(kms().call(operation.name, body).outcome(), expected(rule, kms().arn(key)));
    };
    check(id, row->enabled);
    kms().ok("DisableKey", id_of(id));
    check(id, row->disabled);
    kms().ok("ScheduleKeyDeletion", id_of(id));
    check(id, row->pending_deletion);
    check(kms().create_key(R"({"Origin":"EXTERNAL")" + member("KeySpec", operation.spec) +
                           member("KeyUsage", operation.usage) + "}"),
          row->pending_import);
    if (operation.spec == "SYMMETRIC_DEFAULT") check(unavailable, row->unavailable);
  }
}

TEST_F(CryptoOperations, TakeEveryFormOfKeyReference) {
  int number = 0;
  for (const Operation& operation : operations()) {
    const std::string& id = key(operation.spec, operation.usage);
    const std::string alias = "alias/crypto-" + std::to_string(++number);
    kms().ok("CreateAlias", R"({"AliasName":")" + alias + "\"" + member("TargetKeyId", id) + "}");
    const std::string members = operation.members(kms(), id);
    for (const std::string& reference :
         {id, kms().arn(id), alias, "arn:aws:kms:us-east-1:123456789012:" + alias}) {
      EXPECT_EQ(
          kms().call(operation.name, "{\"KeyId\":\"" + reference + "\"" + members + "}").outcome(),
          "200")
          << operation.name << " " << reference;
    }
  }
}

TEST_F(CryptoOperations, AreRefusedToWhoMayNot) {
  for (const Operation& operation : operations()) {
    const std::string& id = key(operation.spec, operation.usage);
    EXPECT_EQ(
        kms()
            .call(operation.name, "{\"KeyId\":\"" + id + "\"" + operation.members(kms(), id) + "}",
                  alice())
            .outcome(),
        "400 AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not authorized "
        "to perform: kms:" +
            operation.name + " on resource: " + kms().arn(id) +
            " because no identity-based policy allows the kms:" + operation.name + " action");
  }
}

TEST(CryptoAudit, RecordsWhatWasAskedAndNoSecrets) {
  Harness kms;
  struct Asked {
    Operation operation;
    std::string key;
    std::string request_id;
  };
  std::vector<Asked> asked;
  for (const Operation& operation : operations()) {
    const std::string id = kms.create_key(key_of(operation.spec, operation.usage));
    const Answer answer =
        kms.ok(operation.name, "{\"KeyId\":\"" + id + "\"" + operation.members(kms, id) + "}");
    asked.push_back({operation, id, std::string(*answer.headers.get("x-amzn-RequestId"))});
  }
  kms.stop();
  const auto lines = kms.audit_lines();
  for (const auto& [operation, id, request_id] : asked) {
    const auto line = std::ranges::find_if(lines, [&, &request = request_id](const auto& each) {
      return each.find("\"requestID\":\"" + request + "\"") != std::string::npos;
    });
    ASSERT_NE(line, lines.end()) << operation.name;
    for (const std::string& part :
         {"\"requestParameters\":{\"keyId\":\"" + id + "\"" +
              (operation.audited.empty() ? "" : ",") + operation.audited + "}",
          std::string("\"responseElements\":null"), std::string("\"readOnly\":true"),
          "\"ARN\":\"" + kms.arn(id) + "\""}) {
      EXPECT_NE(line->find(part), std::string::npos) << part << "\n" << *line;
    }
    EXPECT_EQ(line->find("c2VjcmV0"), std::string::npos) << *line;
  }
}

}  // namespace
}  // namespace kms::test
