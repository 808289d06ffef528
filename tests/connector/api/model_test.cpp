#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "connector/api/pattern.h"
#include "connector/api/redact.h"
#include "connector/api/shapes.h"
#include "tests/connector/api/decoding.h"

// Walks over the whole model: every operation, every structure, every member.
namespace kms::api {
namespace {

struct Required {
  std::string_view operation;
  std::string_view members;  // as a violation names them; '-' before those whose value is not told
};

constexpr std::array<Required, 54> kRequired{{
    {"CancelKeyDeletion", "keyId"},
    {"ConnectCustomKeyStore", "customKeyStoreId"},
    {"CreateAlias", "aliasName targetKeyId"},
    {"CreateCustomKeyStore", "customKeyStoreName"},
    {"CreateGrant", "keyId granteePrincipal operations"},
    {"CreateKey", ""},
    {"Decrypt", ""},
    {"DeleteAlias", "aliasName"},
    {"DeleteCustomKeyStore", "customKeyStoreId"},
    {"DeleteImportedKeyMaterial", "keyId"},
    {"DeriveSharedSecret", "keyId keyAgreementAlgorithm publicKey"},
    {"DescribeCustomKeyStores", ""},
    {"DescribeKey", "keyId"},
    {"DisableKey", "keyId"},
    {"DisableKeyRotation", "keyId"},
    {"DisconnectCustomKeyStore", "customKeyStoreId"},
    {"EnableKey", "keyId"},
    {"EnableKeyRotation", "keyId"},
    {"Encrypt", "keyId -plaintext"},
    {"GenerateDataKey", "keyId"},
    {"GenerateDataKeyPair", "keyId keyPairSpec"},
    {"GenerateDataKeyPairWithoutPlaintext", "keyId keyPairSpec"},
    {"GenerateDataKeyWithoutPlaintext", "keyId"},
    {"GenerateMac", "-message keyId macAlgorithm"},
    {"GenerateRandom", ""},
    {"GetKeyLastUsage", "keyId"},
    {"GetKeyPolicy", "keyId"},
    {"GetKeyRotationStatus", "keyId"},
    {"GetParametersForImport", "keyId wrappingAlgorithm wrappingKeySpec"},
    {"GetPublicKey", "keyId"},
    {"ImportKeyMaterial", "keyId importToken encryptedKeyMaterial"},
    {"ListAliases", ""},
    {"ListGrants", "keyId"},
    {"ListKeyPolicies", "keyId"},
    {"ListKeyRotations", "keyId"},
    {"ListKeys", ""},
    {"ListResourceTags", "keyId"},
    {"ListRetirableGrants", "retiringPrincipal"},
    {"PutKeyPolicy", "keyId policy"},
    {"ReEncrypt", "destinationKeyId"},
    {"ReplicateKey", "keyId replicaRegion"},
    {"RetireGrant", ""},
    {"RevokeGrant", "keyId grantId"},
    {"RotateKeyOnDemand", "keyId"},
    {"ScheduleKeyDeletion", "keyId"},
    {"Sign", "keyId -message signingAlgorithm"},
    {"TagResource", "keyId tags"},
    {"UntagResource", "keyId tagKeys"},
    {"UpdateAlias", "aliasName targetKeyId"},
    {"UpdateCustomKeyStore", "customKeyStoreId"},
    {"UpdateKeyDescription", "keyId description"},
    {"UpdatePrimaryRegion", "keyId primaryRegion"},
    {"Verify", "keyId -message signature signingAlgorithm"},
    {"VerifyMac", "-message keyId macAlgorithm mac"},
}};

std::string expected_violation(std::string_view members) {
  std::istringstream words{std::string(members)};
  std::string text;
  int count = 0;
  for (std::string word; words >> word; ++count) {
    if (count != 0) text += "; ";
    const bool told = word[0] != '-';
    text += std::string(told ? "Value null at '" : "Value at '") + (told ? word : word.substr(1)) +
            "' failed to satisfy constraint: Member must not be null";
  }
  if (count == 0) return "";
  return std::to_string(count) +
         (count == 1 ? " validation error detected: " : " validation errors detected: ") + text;
}

TEST(Model, HasTheseOperationsAndRequiresTheseMembers) {
  ASSERT_EQ(operations().size(), kRequired.size());
  for (std::size_t i = 0; i < kRequired.size(); ++i) {
    EXPECT_EQ(operations()[i].name, kRequired[i].operation);
    EXPECT_EQ(violation(kRequired[i].operation, "{}"), expected_violation(kRequired[i].members));
  }
}

TEST(Model, FindsOperationsByTheirExactName) {
  for (const OperationInfo& operation : operations())
    EXPECT_EQ(find_operation(operation.name), &operation);
  for (const char* name : {"", "encrypt", "Encrypt ", "TrentService.Encrypt", "A", "Zzz"}) {
    EXPECT_EQ(find_operation(name), nullptr) << name;
  }
}

TEST(Model, FourteenOperationsAnswerNothing) {
  std::set<std::string_view> silent;
  for (const OperationInfo& operation : operations()) {
    if (operation.output == nullptr) silent.insert(operation.name);
  }
  EXPECT_EQ(silent,
            (std::set<std::string_view>{
                "CreateAlias", "DeleteAlias", "DisableKey", "DisableKeyRotation", "EnableKey",
                "EnableKeyRotation", "PutKeyPolicy", "RetireGrant", "RevokeGrant", "TagResource",
                "UntagResource", "UpdateAlias", "UpdateKeyDescription", "UpdatePrimaryRegion"}));
}

TEST(Model, KnowsWhatOnlyReads) {
  std::set<std::string_view> writes;
  for (const OperationInfo& operation : operations()) {
    if (!operation.read_only) writes.insert(operation.name);
  }
  EXPECT_EQ(writes, (std::set<std::string_view>{"CancelKeyDeletion",
                                                "ConnectCustomKeyStore",
                                                "CreateAlias",
                                                "CreateCustomKeyStore",
                                                "CreateGrant",
                                                "CreateKey",
                                                "DeleteAlias",
                                                "DeleteCustomKeyStore",
                                                "DeleteImportedKeyMaterial",
                                                "DisableKey",
                                                "DisableKeyRotation",
                                                "DisconnectCustomKeyStore",
                                                "EnableKey",
                                                "EnableKeyRotation",
                                                "ImportKeyMaterial",
                                                "PutKeyPolicy",
                                                "ReplicateKey",
                                                "RetireGrant",
                                                "RevokeGrant",
                                                "RotateKeyOnDemand",
                                                "ScheduleKeyDeletion",
                                                "TagResource",
                                                "UntagResource",
                                                "UpdateAlias",
                                                "UpdateCustomKeyStore",
                                                "UpdateKeyDescription",
                                                "UpdatePrimaryRegion"}));
}

TEST(Model, DeclaresErrorsByOperation) {
  const auto declares = [](std::string_view name, ErrorCode code) {
    const auto errors = find_operation(name)->errors;
    return std::ranges::find(errors, code) != errors.end();
  };
  EXPECT_TRUE(declares("Decrypt", ErrorCode::incorrect_key));
  EXPECT_FALSE(declares("Encrypt", ErrorCode::incorrect_key));
  EXPECT_TRUE(declares("CreateCustomKeyStore", ErrorCode::incorrect_trust_anchor));
}

/// A value that the shape allows.
std::string sample_text(const Shape& shape) {
  for (const std::string_view candidate :
       {"sample-text", "123456789012", "arn:aws:kms:us-east-1:123456789012:key/k",
        "ABCDEFGHIJKLMNOPQRST", "us-east-1", "cluster-abcdefg2345", "https://example.com",
        "/some/kms/xks/v1", "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "sample_text"}) {
    const auto length = static_cast<std::int32_t>(candidate.size());
    if ((shape.has_min && length < shape.min) || (shape.has_max && length > shape.max)) continue;
    if (shape.pattern == nullptr || matches(*shape.pattern, candidate))
      return std::string(candidate);
  }
  ADD_FAILURE() << "no sample for " << (shape.pattern == nullptr ? "" : shape.pattern->text);
  return "";
}

std::string sample(const Structure& structure);

std::string sample(const Shape& shape) {
  switch (shape.kind) {
    case Kind::string:
    case Kind::secret_string:
      return "\"" + sample_text(shape) + "\"";
    case Kind::enumeration:
      return "\"" + std::string(shape.values.back()) + "\"";
    case Kind::blob:
    case Kind::secret_blob:
      return "\"AAECAw==\"";
    case Kind::integer:
      return std::to_string(shape.max);
    case Kind::boolean:
      return "true";
    case Kind::timestamp:
      return "1609193147.831";
    case Kind::list:
      return "[" + sample(*shape.element) + "," + sample(*shape.element) + "]";
    case Kind::map:
      return R"({"a":"b","c":"d"})";
    case Kind::structure:
      return sample(*shape.structure);
  }
  return "";
}

std::string sample(const Structure& structure) {
  std::string text = "{";
  for (const Member& member : structure.members) {
    if (text.size() != 1) text += ",";
    text += "\"" + std::string(member.name) + "\":" + sample(*member.shape);
  }
  return text + "}";
}

/// Every member of every structure, decoded and encoded again.
TEST(Model, EveryStructureSurvivesARoundTrip) {
  for (const OperationInfo& operation : operations()) {
    for (const Structure* structure : {operation.input, operation.output}) {
      if (structure == nullptr) continue;
      const std::string full = sample(*structure);
      std::string body = full;
      const ErasedObject object = structure->create();
      ASSERT_NO_THROW(decode_into(*structure, object.get(), std::span<char>(body))) << full;
      EXPECT_EQ(encode_object(*structure, object.get()).text(), full) << structure->name;
    }
  }
}

TEST(Model, EveryStructureStartsEmpty) {
  for (const OperationInfo& operation : operations()) {
    if (operation.output == nullptr) continue;
    const ErasedObject object = operation.output->create();
    EXPECT_EQ(encode_object(*operation.output, object.get()).text(), "{}") << operation.name;
    EXPECT_EQ(audit_json(*operation.output, object.get()), "null") << operation.name;
  }
}

/// No operation's audit record holds a blob, a secret or a token, however its parameters are
/// called.
TEST(Model, NoSecretReachesTheAuditRecord) {
  for (const OperationInfo& operation : operations()) {
    for (const Structure* structure : {operation.input, operation.output}) {
      if (structure == nullptr) continue;
      std::string body = sample(*structure);
      const ErasedObject object = structure->create();
      decode_into(*structure, object.get(), std::span<char>(body));
      const std::string told = audit_json(*structure, object.get());
      for (const char* word :
           {"AAECAw", "oken", "assword", "awSecret", "sharedSecret", "laintext", "iphertextBlob",
            "\"message\"", "ertificate", "ttestation", "ABCDEFGHIJKLMNOPQRST"}) {
        EXPECT_EQ(told.find(word), std::string::npos) << structure->name << ": " << told;
      }
    }
  }
}

TEST(Enums, ConvertBothWays) {
  EXPECT_EQ(to_string(KeySpec::symmetric_default), "SYMMETRIC_DEFAULT");
  EXPECT_EQ(from_string<KeySpec>("ML_DSA_44"), KeySpec::ml_dsa_44);
  EXPECT_EQ(from_string<KeySpec>("ml_dsa_44"), std::nullopt);
  EXPECT_EQ(to_string(KeyState::pending_deletion), "PendingDeletion");
  EXPECT_EQ(to_string(OriginType::aws_cloudhsm), "AWS_CLOUDHSM");
  EXPECT_EQ(from_string<GrantOperation>("ReEncryptFrom"), GrantOperation::re_encrypt_from);
  for (std::size_t i = 0; i < enum_size<KeySpec>; ++i) {
    const auto spec = static_cast<KeySpec>(i);
    EXPECT_EQ(from_string<KeySpec>(to_string(spec)), spec);
  }
}

}  // namespace
}  // namespace kms::api
