#include "connector/auth/request_conditions.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "connector/api/shapes.h"

namespace kms::auth {
namespace {

using Expected = std::map<std::string, std::vector<std::string>>;

constexpr Timestamp kNow{std::chrono::seconds{1'795'485'600}};  // 2026-11-24T02:00:00Z
constexpr const char* kAlice = "arn:aws:iam::111111111111:user/alice";

Environment environment() {
  return {.time = kNow,
          .region = "us-east-1",
          .source_ip = "192.0.2.1",
          .user_agent = "aws-cli/2",
          .secure_transport = true};
}

Caller alice() {
  auto principal = std::make_shared<Principal>();
  principal->arn = kAlice;
  principal->account = "111111111111";
  principal->tags = {{"Team", "blue"}};
  return {.arn = kAlice,
          .account = "111111111111",
          .type = "IAMUser",
          .principal_id = "AIDAALICE",
          .user_name = "alice",
          .access_key_id = "AKIAALICE",
          .principal = principal,
          .session = nullptr};
}

keys::KeyRecord the_key() {
  keys::KeyRecord key;
  key.scope = {.account = "222222222222", .region = "us-east-1"};
  key.id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  key.spec = api::KeySpec::rsa_2048;
  key.usage = api::KeyUsageType::sign_verify;
  key.origin = api::OriginType::external;
  key.tags = {{.key = "Team", .value = "red"}};
  return key;
}

/// What every operation on the_key() has.
Expected of_key() {
  return {{"aws:resourceaccount", {"222222222222"}},
          {"aws:resourcetag/", {"red"}},
          {"kms:calleraccount", {"111111111111"}},
          {"kms:customermasterkeyspec", {"RSA_2048"}},
          {"kms:customermasterkeyusage", {"SIGN_VERIFY"}},
          {"kms:keyorigin", {"EXTERNAL"}},
          {"kms:keyspec", {"RSA_2048"}},
          {"kms:keyusage", {"SIGN_VERIFY"}},
          {"kms:multiregion", {"false"}},
          {"kms:resourcealiases", {"alias/a", "alias/b"}}};
}

template <class Request>
RequestContext context_of(const Request& request) {
  RequestContext context;
  context.environment = environment();
  context.input = &api::structure_of<Request>();
  context.request = &request;
  context.key_aliases = [] { return std::vector<std::string>{"alias/a", "alias/b"}; };
  return context;
}

/// The keys that some case found filled; the last test looks whether one was forgotten.
std::set<std::string>& seen() {
  static std::set<std::string> keys;
  return keys;
}

Values value(std::string_view action, const keys::KeyRecord* key, const RequestContext& context,
             std::string_view name, bool key_policy = false) {
  const Caller caller = alice();
  return RequestConditions({.caller = caller,
                            .action = {action},
                            .key = key,
                            .context = context,
                            .key_policy = key_policy})
      .values(ConditionKey(name));
}

/// Each of KMS's condition keys has these values and no other has one. Of keys that take a name,
/// "Team" is looked at.
void expect(std::string_view action, const keys::KeyRecord* key, const RequestContext& context,
            const Expected& expected) {
  SCOPED_TRACE(action);
  for (const std::string_view name : kms_condition_keys()) {
    const bool takes_name = name.ends_with(':') || name.ends_with('/');
    const Values values =
        value(action, key, context, std::string(name) + (takes_name ? "Team" : ""));
    const auto found = expected.find(std::string(name));
    EXPECT_EQ(values, found == expected.end() ? Values{} : Values(found->second)) << name;
    if (values) seen().emplace(name);
  }
}

/// The same of an operation on the_key(), of what it has besides of_key().
template <class Request>
void expect_on_key(std::string_view action, const Request& request, Expected expected) {
  expected.merge(of_key());
  const keys::KeyRecord key = the_key();
  expect(action, &key, context_of(request), expected);
}

TEST(KmsConditionKeys, OfEncryption) {
  const keys::EncryptionContext pairs{{"Team", "green"}, {"Dept", "7"}};
  const keys::KeyRecord key = the_key();
  const auto expect_with = [&](std::string_view action, RequestContext context,
                               const char* algorithm) {
    context.encryption_context = &pairs;
    Expected expected = of_key();
    expected["kms:encryptionalgorithm"] = {algorithm};
    expected["kms:encryptioncontext:"] = {"green"};
    expected["kms:encryptioncontextkeys"] = {"Dept", "Team"};
    expect(action, &key, context, expected);
  };
  api::EncryptRequest encrypt;
  expect_with("Encrypt", context_of(encrypt), "SYMMETRIC_DEFAULT");
  encrypt.encryption_algorithm = api::EncryptionAlgorithmSpec::rsaes_oaep_sha_256;
  expect_with("Encrypt", context_of(encrypt), "RSAES_OAEP_SHA_256");
  const api::DecryptRequest decrypt{.encryption_algorithm =
                                        api::EncryptionAlgorithmSpec::rsaes_oaep_sha_1};
  expect_with("Decrypt", context_of(decrypt), "RSAES_OAEP_SHA_1");
  // Its KeySpec is the data key's.
  const api::GenerateDataKeyRequest data_key{.key_spec = api::DataKeySpec::aes_256};
  expect_with("GenerateDataKey", context_of(data_key), "SYMMETRIC_DEFAULT");
  expect_with("GenerateDataKeyWithoutPlaintext",
              context_of(api::GenerateDataKeyWithoutPlaintextRequest{}), "SYMMETRIC_DEFAULT");
}

TEST(KmsConditionKeys, OfEncryptionWithoutAContext) {
  const keys::EncryptionContext none;
  const keys::KeyRecord key = the_key();
  const api::EncryptRequest encrypt;
  RequestContext context = context_of(encrypt);
  context.encryption_context = &none;
  Expected expected = of_key();
  expected["kms:encryptionalgorithm"] = {"SYMMETRIC_DEFAULT"};
  expect("Encrypt", &key, context, expected);
}

TEST(KmsConditionKeys, OfDataKeyPairs) {
  expect_on_key(
      "GenerateDataKeyPair",
      api::GenerateDataKeyPairRequest{.key_pair_spec = api::DataKeyPairSpec::ecc_nist_p256},
      {{"kms:datakeypairspec", {"ECC_NIST_P256"}},
       {"kms:encryptionalgorithm", {"SYMMETRIC_DEFAULT"}}});
  api::GenerateDataKeyPairWithoutPlaintextRequest request;
  request.key_pair_spec = api::DataKeyPairSpec::rsa_3072;
  expect_on_key(
      "GenerateDataKeyPairWithoutPlaintext", request,
      {{"kms:datakeypairspec", {"RSA_3072"}}, {"kms:encryptionalgorithm", {"SYMMETRIC_DEFAULT"}}});
}

TEST(KmsConditionKeys, OfReEncryptAreOfTheSideThatIsAsked) {
  const api::ReEncryptRequest request{
      .source_encryption_algorithm = api::EncryptionAlgorithmSpec::rsaes_oaep_sha_1,
      .destination_encryption_algorithm = api::EncryptionAlgorithmSpec::rsaes_oaep_sha_256};
  const keys::EncryptionContext source{{"team", "1"}};
  const keys::KeyRecord key = the_key();
  RequestContext context = context_of(request);
  context.encryption_context = &source;
  context.same_key = false;
  Expected expected = of_key();
  expected["kms:encryptioncontext:"] = {"1"};  // the name in either case
  expected["kms:encryptioncontextkeys"] = {"team"};
  expected["kms:reencryptonsamekey"] = {"false"};
  expected["kms:encryptionalgorithm"] = {"RSAES_OAEP_SHA_1"};
  expect("ReEncryptFrom", &key, context, expected);
  const keys::EncryptionContext destination{{"TEAM", "2"}};
  context.encryption_context = &destination;
  context.same_key = true;
  expected["kms:encryptioncontext:"] = {"2"};
  expected["kms:encryptioncontextkeys"] = {"TEAM"};
  expected["kms:reencryptonsamekey"] = {"true"};
  expected["kms:encryptionalgorithm"] = {"RSAES_OAEP_SHA_256"};
  expect("ReEncryptTo", &key, context, expected);
}

TEST(KmsConditionKeys, OfCreateKeyAreThoseOfTheKeyToBe) {
  expect("CreateKey", nullptr, context_of(api::CreateKeyRequest{}),
         {{"aws:resourceaccount", {"111111111111"}},
          {"kms:calleraccount", {"111111111111"}},
          {"kms:customermasterkeyspec", {"SYMMETRIC_DEFAULT"}},
          {"kms:customermasterkeyusage", {"ENCRYPT_DECRYPT"}},
          {"kms:keyorigin", {"AWS_KMS"}},
          {"kms:keyspec", {"SYMMETRIC_DEFAULT"}},
          {"kms:keyusage", {"ENCRYPT_DECRYPT"}},
          {"kms:multiregion", {"false"}}});
  api::CreateKeyRequest request;
  request.key_spec = api::KeySpec::hmac_256;
  request.key_usage = api::KeyUsageType::generate_verify_mac;
  request.origin = api::OriginType::external;
  request.multi_region = true;
  request.bypass_policy_lockout_safety_check = true;
  request.tags = std::vector<api::Tag>{{.tag_key = "team", .tag_value = "blue"},
                                       {.tag_key = "Dept", .tag_value = ""}};
  expect("CreateKey", nullptr, context_of(request),
         {{"aws:requesttag/", {"blue"}},
          {"aws:resourceaccount", {"111111111111"}},
          {"aws:tagkeys", {"team", "Dept"}},
          {"kms:bypasspolicylockoutsafetycheck", {"true"}},
          {"kms:calleraccount", {"111111111111"}},
          {"kms:customermasterkeyspec", {"HMAC_256"}},
          {"kms:customermasterkeyusage", {"GENERATE_VERIFY_MAC"}},
          {"kms:keyorigin", {"EXTERNAL"}},
          {"kms:keyspec", {"HMAC_256"}},
          {"kms:keyusage", {"GENERATE_VERIFY_MAC"}},
          {"kms:multiregion", {"true"}},
          {"kms:multiregionkeytype", {"PRIMARY"}}});
  keys::KeyRecord primary;
  primary.spec = api::KeySpec::rsa_2048;
  primary.usage = api::KeyUsageType::sign_verify;
  primary.origin = api::OriginType::external;
  api::ReplicateKeyRequest replicate;
  replicate.replica_region = "us-west-2";
  RequestContext replication = context_of(replicate);
  replication.primary = &primary;
  expect("CreateKey", nullptr, replication,
         {{"aws:resourceaccount", {"111111111111"}},
          {"kms:calleraccount", {"111111111111"}},
          {"kms:customermasterkeyspec", {"RSA_2048"}},
          {"kms:customermasterkeyusage", {"SIGN_VERIFY"}},
          {"kms:keyorigin", {"EXTERNAL"}},
          {"kms:keyspec", {"RSA_2048"}},
          {"kms:keyusage", {"SIGN_VERIFY"}},
          {"kms:multiregion", {"true"}},
          {"kms:multiregionkeytype", {"REPLICA"}},
          {"kms:replicaregion", {"us-west-2"}}});
  request.tags->push_back({.tag_key = "TEAM", .tag_value = "red"});
  const auto tag = [&](std::string_view key) {
    return value("CreateKey", nullptr, context_of(request), key);
  };
  EXPECT_EQ(tag("aws:RequestTag/TEAM"), Values(std::vector<std::string>{"red"}));
  EXPECT_EQ(tag("aws:RequestTag/team"), Values(std::vector<std::string>{"blue"}));
  EXPECT_EQ(tag("aws:RequestTag/Team"), Values(std::vector<std::string>{"blue", "red"}));
  request = {};
  request.customer_master_key_spec = api::CustomerMasterKeySpec::rsa_2048;
  EXPECT_EQ(value("CreateKey", nullptr, context_of(request), "kms:KeySpec"),
            Values(std::vector<std::string>{"RSA_2048"}));
}

TEST(KmsConditionKeys, OfMultiRegionKeys) {
  keys::KeyRecord key = the_key();
  key.multi_region = {.primary_region = "us-east-1", .replica_regions = {"eu-west-1"}};
  Expected expected = of_key();
  expected["kms:multiregion"] = {"true"};
  expected["kms:multiregionkeytype"] = {"PRIMARY"};
  api::ReplicateKeyRequest replicate;
  replicate.replica_region = "eu-west-1";
  replicate.bypass_policy_lockout_safety_check = false;
  replicate.tags = std::vector<api::Tag>{{.tag_key = "Team", .tag_value = "x"}};
  Expected of_replicate = expected;
  of_replicate["kms:replicaregion"] = {"eu-west-1"};
  of_replicate["kms:bypasspolicylockoutsafetycheck"] = {"false"};
  of_replicate["aws:requesttag/"] = {"x"};
  of_replicate["aws:tagkeys"] = {"Team"};
  expect("ReplicateKey", &key, context_of(replicate), of_replicate);
  key.scope.region = "eu-west-1";
  expected["kms:multiregionkeytype"] = {"REPLICA"};
  expected["kms:primaryregion"] = {"eu-west-1"};
  api::UpdatePrimaryRegionRequest update;
  update.primary_region = "eu-west-1";
  expect("UpdatePrimaryRegion", &key, context_of(update), expected);
}

TEST(KmsConditionKeys, OfGrants) {
  api::CreateGrantRequest create;
  create.grantee_principal = kAlice;
  create.operations = {api::GrantOperation::encrypt, api::GrantOperation::decrypt};
  expect_on_key("CreateGrant", create,
                {{"kms:granteeprincipal", {kAlice}},
                 {"kms:grantisforawsresource", {"false"}},
                 {"kms:grantoperations", {"Encrypt", "Decrypt"}}});
  create.retiring_principal = "arn:aws:iam::111111111111:user/rita";
  create.constraints = {.encryption_context_subset = {},
                        .encryption_context_equals = keys::EncryptionContext{{"Team", "x"}}};
  expect_on_key("CreateGrant", create,
                {{"kms:encryptioncontext:", {"x"}},
                 {"kms:encryptioncontextkeys", {"Team"}},
                 {"kms:grantconstrainttype", {"EncryptionContextEquals"}},
                 {"kms:granteeprincipal", {kAlice}},
                 {"kms:grantisforawsresource", {"false"}},
                 {"kms:grantoperations", {"Encrypt", "Decrypt"}},
                 {"kms:retiringprincipal", {"arn:aws:iam::111111111111:user/rita"}}});
  create.constraints = {.encryption_context_subset = keys::EncryptionContext{}};
  const keys::KeyRecord key = the_key();
  EXPECT_EQ(value("CreateGrant", &key, context_of(create), "kms:GrantConstraintType"), Values{});
  expect_on_key("ListGrants", api::ListGrantsRequest{}, {{"kms:grantisforawsresource", {"false"}}});
  expect_on_key("RevokeGrant", api::RevokeGrantRequest{},
                {{"kms:grantisforawsresource", {"false"}}});
}

TEST(KmsConditionKeys, OfRetireGrantAreThoseOfTheGrant) {
  const keys::KeyRecord key = the_key();
  keys::GrantRecord grant;
  grant.constraints.encryption_context_subset = keys::EncryptionContext{{"Team", "x"}};
  const api::RetireGrantRequest request;
  RequestContext context = context_of(request);
  context.retired = &grant;
  Expected expected = of_key();
  expected["kms:encryptioncontext:"] = {"x"};
  expected["kms:encryptioncontextkeys"] = {"Team"};
  expected["kms:grantconstrainttype"] = {"EncryptionContextSubset"};
  expect("RetireGrant", &key, context, expected);
}

TEST(KmsConditionKeys, OfImports) {
  api::GetParametersForImportRequest parameters;
  parameters.wrapping_algorithm = api::AlgorithmSpec::rsaes_oaep_sha_256;
  parameters.wrapping_key_spec = api::WrappingKeySpec::rsa_4096;
  expect_on_key(
      "GetParametersForImport", parameters,
      {{"kms:wrappingalgorithm", {"RSAES_OAEP_SHA_256"}}, {"kms:wrappingkeyspec", {"RSA_4096"}}});
  api::ImportKeyMaterialRequest import;
  expect_on_key("ImportKeyMaterial", import, {});
  import.expiration_model = api::ExpirationModelType::key_material_expires;
  import.valid_to = kNow + std::chrono::milliseconds(999);
  expect_on_key(
      "ImportKeyMaterial", import,
      {{"kms:expirationmodel", {"KEY_MATERIAL_EXPIRES"}}, {"kms:validto", {"1795485600"}}});
}

TEST(KmsConditionKeys, OfSignaturesAndMacs) {
  api::SignRequest sign;
  sign.signing_algorithm = api::SigningAlgorithmSpec::rsassa_pss_sha_256;
  expect_on_key("Sign", sign,
                {{"kms:messagetype", {"RAW"}}, {"kms:signingalgorithm", {"RSASSA_PSS_SHA_256"}}});
  api::VerifyRequest verify;
  verify.signing_algorithm = api::SigningAlgorithmSpec::rsassa_pkcs1_v1_5_sha_256;
  verify.message_type = api::MessageType::digest;
  expect_on_key(
      "Verify", verify,
      {{"kms:messagetype", {"DIGEST"}}, {"kms:signingalgorithm", {"RSASSA_PKCS1_V1_5_SHA_256"}}});
  api::GenerateMacRequest mac;
  mac.mac_algorithm = api::MacAlgorithmSpec::hmac_sha_256;
  expect_on_key("GenerateMac", mac, {{"kms:macalgorithm", {"HMAC_SHA_256"}}});
  api::VerifyMacRequest verify_mac;
  verify_mac.mac_algorithm = api::MacAlgorithmSpec::hmac_sha_512;
  expect_on_key("VerifyMac", verify_mac, {{"kms:macalgorithm", {"HMAC_SHA_512"}}});
  expect_on_key("DeriveSharedSecret", api::DeriveSharedSecretRequest{},
                {{"kms:keyagreementalgorithm", {"ECDH"}}});
}

TEST(KmsConditionKeys, OfPolicyRotationAndDeletion) {
  api::PutKeyPolicyRequest put;
  expect_on_key("PutKeyPolicy", put, {});
  put.bypass_policy_lockout_safety_check = false;
  expect_on_key("PutKeyPolicy", put, {{"kms:bypasspolicylockoutsafetycheck", {"false"}}});
  expect_on_key("EnableKeyRotation", api::EnableKeyRotationRequest{}, {});
  expect_on_key("EnableKeyRotation", api::EnableKeyRotationRequest{.rotation_period_in_days = 90},
                {{"kms:rotationperiodindays", {"90"}}});
  expect_on_key("ScheduleKeyDeletion", api::ScheduleKeyDeletionRequest{},
                {{"kms:schedulekeydeletionpendingwindowindays", {"30"}}});
  expect_on_key("ScheduleKeyDeletion", api::ScheduleKeyDeletionRequest{.pending_window_in_days = 7},
                {{"kms:schedulekeydeletionpendingwindowindays", {"7"}}});
}

TEST(KmsConditionKeys, OfTheLastUse) {
  const keys::KeyRecord key = the_key();
  const api::DisableKeyRequest request;
  RequestContext context = context_of(request);
  const auto days = [&](std::optional<Timestamp> last, std::string_view action = "DisableKey") {
    context.last_use = [=] { return last; };
    return value(action, &key, context, "kms:TrailingDaysWithoutKeyUsage");
  };
  using std::chrono::hours;
  EXPECT_EQ(days(std::nullopt), Values{});
  EXPECT_EQ(days(kNow), Values(std::vector<std::string>{"0"}));
  EXPECT_EQ(days(kNow - hours(47)), Values(std::vector<std::string>{"1"}));
  EXPECT_EQ(days(kNow - hours(48)), Values(std::vector<std::string>{"2"}));
  EXPECT_EQ(days(kNow + hours(1)), Values(std::vector<std::string>{"0"}));
  EXPECT_EQ(days(kNow - hours(48), "ScheduleKeyDeletion"), Values(std::vector<std::string>{"2"}));
  EXPECT_EQ(days(kNow - hours(48), "EnableKey"), Values{});
  Expected expected = of_key();
  context.last_use = [] { return kNow - hours(480); };
  expected["kms:trailingdayswithoutkeyusage"] = {"20"};
  expect("DisableKey", &key, context, expected);
}

TEST(KmsConditionKeys, OfTags) {
  api::TagResourceRequest tag;
  tag.tags = std::vector<api::Tag>{{.tag_key = "TEAM", .tag_value = "x"},
                                   {.tag_key = "b", .tag_value = "y"}};
  expect_on_key("TagResource", tag, {{"aws:requesttag/", {"x"}}, {"aws:tagkeys", {"TEAM", "b"}}});
  api::UntagResourceRequest untag;
  untag.tag_keys = {"Team", "b"};
  expect_on_key("UntagResource", untag, {{"aws:tagkeys", {"Team", "b"}}});
}

TEST(KmsConditionKeys, OfAliases) {
  const keys::KeyRecord key = the_key();
  const api::DescribeKeyRequest request;
  RequestContext context = context_of(request);
  context.alias = "alias/a";
  Expected expected = of_key();
  expected["kms:requestalias"] = {"alias/a"};
  expect("DescribeKey", &key, context, expected);
  // Identity policies only, and only if there are some (or not too many).
  EXPECT_EQ(value("DescribeKey", &key, context, "kms:ResourceAliases", true), Values{});
  context.key_aliases = [] { return std::vector<std::string>{}; };
  EXPECT_EQ(value("DescribeKey", &key, context, "kms:ResourceAliases"), Values{});
}

TEST(KmsConditionKeys, AreFewWithoutAKeyOrARequest) {
  RequestContext context;
  context.environment = environment();
  const Expected few{{"aws:resourceaccount", {"111111111111"}},
                     {"kms:calleraccount", {"111111111111"}}};
  expect("ListKeys", nullptr, context, few);
  expect("ListKeys", nullptr, context_of(api::ListKeysRequest{}), few);
  const keys::KeyRecord key = the_key();
  EXPECT_EQ(value("Encrypt", &key, context, "kms:ViaService"), Values{});
  EXPECT_EQ(value("Encrypt", &key, context, "kms:RecipientAttestation:ImageSha384"), Values{});
  EXPECT_EQ(value("Encrypt", &key, context, "kms:Nothing"), Values{});
}

TEST(KmsConditionKeys, AreTheSameInEitherCase) {
  const keys::KeyRecord key = the_key();
  const api::DescribeKeyRequest request;
  for (const char* name : {"kms:KeySpec", "KMS:KEYSPEC", "kms:keyspec"}) {
    EXPECT_EQ(value("DescribeKey", &key, context_of(request), name),
              Values(std::vector<std::string>{"RSA_2048"}));
  }
}

TEST(KmsConditionKeys, GiveWayToWhatIsGiven) {
  const keys::KeyRecord key = the_key();
  const std::vector<std::pair<std::string, std::string>> given{{"kms:KeySpec", "X"},
                                                               {"aws:SourceIp", "::1"}};
  RequestContext context;
  context.given = given;
  EXPECT_EQ(value("Encrypt", &key, context, "kms:keyspec"), Values(std::vector<std::string>{"X"}));
  EXPECT_EQ(value("Encrypt", &key, context, "aws:sourceip"),
            Values(std::vector<std::string>{"::1"}));
}

Values global(std::string_view key, const Caller& caller, const Environment& in = environment()) {
  return global_values(ConditionKey(key), caller, in);
}

TEST(GlobalConditionKeys, OfAUser) {
  const Expected expected{{"aws:CurrentTime", {"2026-11-24T02:00:00Z"}},
                          {"aws:EpochTime", {"1795485600"}},
                          {"aws:PrincipalAccount", {"111111111111"}},
                          {"aws:PrincipalArn", {kAlice}},
                          {"aws:PrincipalIsAWSService", {"false"}},
                          {"aws:PrincipalType", {"User"}},
                          {"aws:PrincipalTag/team", {"blue"}},
                          {"aws:RequestedRegion", {"us-east-1"}},
                          {"aws:SecureTransport", {"true"}},
                          {"aws:SourceIp", {"192.0.2.1"}},
                          {"aws:UserAgent", {"aws-cli/2"}},
                          {"aws:userid", {"AIDAALICE"}},
                          {"aws:username", {"alice"}},
                          {"aws:ViaAWSService", {"false"}}};
  for (const auto& [name, values] : expected)
    EXPECT_EQ(global(name, alice()), Values(values)) << name;
  for (const char* name : {"aws:MultiFactorAuthPresent", "aws:TokenIssueTime",
                           "aws:PrincipalTag/other", "aws:PrincipalTag/", "aws:CalledVia",
                           "aws:SourceArn", "aws:SourceAccount", "aws:SourceVpc", "aws:", ""}) {
    EXPECT_EQ(global(name, alice()), Values{}) << name;
  }
}

TEST(GlobalConditionKeys, OfASession) {
  auto role = std::make_shared<Principal>();
  role->type = Principal::Type::role;
  role->arn = "arn:aws:iam::111111111111:role/app";
  role->tags = {{"Team", "blue"}, {"dept", "7"}};
  auto session = std::make_shared<Session>();
  session->issued = kNow - std::chrono::minutes(1);
  session->tags = {{"TEAM", "red"}};
  Caller caller = alice();
  caller.arn = "arn:aws:sts::111111111111:assumed-role/app/s1";
  caller.type = "AssumedRole";
  caller.principal_id = "AROAAPP:s1";
  caller.user_name = "";
  caller.principal = role;
  caller.session = session;
  const Expected expected{{"aws:PrincipalArn", {"arn:aws:iam::111111111111:role/app"}},
                          {"aws:PrincipalType", {"AssumedRole"}},
                          {"aws:PrincipalTag/team", {"red"}},
                          {"aws:PrincipalTag/Dept", {"7"}},
                          {"aws:userid", {"AROAAPP:s1"}},
                          {"aws:TokenIssueTime", {"2026-11-24T01:59:00Z"}},
                          {"aws:MultiFactorAuthPresent", {"false"}}};
  for (const auto& [name, values] : expected)
    EXPECT_EQ(global(name, caller), Values(values)) << name;
  EXPECT_EQ(global("aws:username", caller), Values{});
}

TEST(GlobalConditionKeys, OfARoot) {
  Caller root = alice();
  root.arn = "arn:aws:iam::111111111111:root";
  root.type = "Root";
  root.user_name = "";
  EXPECT_EQ(global("aws:PrincipalType", root), Values(std::vector<std::string>{"Account"}));
  EXPECT_EQ(global("aws:username", root), Values{});
}

TEST(GlobalConditionKeys, OfAnUnencryptedRequest) {
  Environment plain = environment();
  plain.secure_transport = false;
  plain.user_agent = "";
  EXPECT_EQ(global("aws:SecureTransport", alice(), plain),
            Values(std::vector<std::string>{"false"}));
  EXPECT_EQ(global("aws:UserAgent", alice(), plain), Values{});
}

// Of the suite that runs last.
TEST(KmsConditionKeysTogether, HaveACaseEach) {
  const auto& tests = *testing::UnitTest::GetInstance();
  if (tests.test_to_run_count() != tests.total_test_count() || testing::GTEST_FLAG(shuffle)) {
    GTEST_SKIP() << "it asks what all the others saw";
  }
  for (const std::string_view name : kms_condition_keys()) {
    EXPECT_TRUE(seen().contains(std::string(name))) << name << " has no case in this file";
  }
}

}  // namespace
}  // namespace kms::auth
