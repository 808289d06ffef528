#include "connector/auth/authorizer.h"

#include <gtest/gtest.h>

#include "connector/api/error.h"
#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace kms::auth {
namespace {

constexpr keys::Action kEncrypt{"Encrypt"};
constexpr const char* kAccount = "123456789012";
constexpr const char* kOtherAccount = "111122223333";
constexpr const char* kKeyId = "1234abcd-12ab-34cd-56ef-1234567890ab";
constexpr const char* kKeyArn =
    "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
constexpr const char* kAlice = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kSession = "arn:aws:sts::123456789012:assumed-role/app/job";
constexpr const char* kRole = "arn:aws:iam::123456789012:role/service/app";

keys::KeyRecord key_of(const std::string& account) {
  keys::KeyRecord key;
  key.scope = {.account = account, .region = "us-east-1"};
  key.id = kKeyId;
  key.state = keys::StoredState::enabled;
  return key;
}

keys::GrantRecord grant_to(const std::string& grantee, char id) {
  keys::GrantRecord grant;
  grant.scope = key_of(kAccount).scope;
  grant.key_id = kKeyId;
  grant.id = std::string(64, id);
  grant.name = "for-jobs";
  grant.grantee_principal = grantee;
  grant.retiring_principal = "arn:aws:iam::123456789012:user/rita";
  grant.issuing_account = kAccount;
  grant.operations = {api::GrantOperation::encrypt};
  grant.token_key = Bytes(32, 1);
  return grant;
}

NamedPolicy own_policy(const std::string& statements) {
  return {.name = "inline",
          .policy = parse_policy(R"({"Version":"2012-10-17","Statement":[)" + statements + "]}",
                                 PolicyKind::identity)};
}

constexpr const char* kAllowEncrypt =
    R"({"Sid":"Use","Effect":"Allow","Action":"kms:Encrypt","Resource":"*"})";
constexpr const char* kDenyEncrypt =
    R"({"Sid":"Never","Effect":"Deny","Action":"kms:Encrypt","Resource":"*"})";

/// A key of alice's account with the default policy.
class Authorization : public testing::Test {
 protected:
  Authorization() : store_(storage::open_sqlite((directory_.path() / "kms.db").string())) {
    alice_.arn = kAlice;
    alice_.account = kAccount;
    alice_.name = "alice";
    keys::KeyRecord key = key_of(kAccount);
    const storage::Change changes[] = {storage::Put<keys::KeyRecord>{key}};
    store_->commit(changes);
    key_ = store_->key(key.scope, key.id);
  }

  [[nodiscard]] Caller alice() const {
    return {.arn = kAlice,
            .account = kAccount,
            .type = "IAMUser",
            .principal_id = "AIDAALICEEXAMPLE",
            .user_name = "alice",
            .access_key_id = "AKIDEXAMPLE",
            .principal = std::make_shared<const Principal>(alice_),
            .session = nullptr};
  }
  void put(const keys::GrantRecord& grant) {
    const storage::Change changes[] = {storage::Put<keys::GrantRecord>{grant}};
    store_->commit(changes);
  }
  /// The refusal of a call, or "".
  template <class Call>
  static std::string refusal(const Call& call) {
    try {
      call();
      return "";
    } catch (const api::Error& error) {
      EXPECT_EQ(error.code(), api::ErrorCode::access_denied);
      return error.message().value_or("");
    }
  }
  [[nodiscard]] std::string on_key(const Caller& caller, keys::Action action = kEncrypt) {
    return on_key(caller, action, key_);
  }
  [[nodiscard]] std::string on_key(const Caller& caller, keys::Action action, keys::KeyPtr key) {
    return refusal([&] {
      static_cast<void>(authorizer_.authorize(caller, action, std::move(key), {}, decision_));
    });
  }
  [[nodiscard]] std::string on_account(keys::Action action, std::string_view resource = "*") {
    return refusal(
        [&] { authorizer_.authorize_account(alice(), action, resource, {}, decision_); });
  }

  kms::test::TempDir directory_{"authorizer"};
  std::unique_ptr<storage::MetadataStore> store_;
  Authorizer authorizer_{*store_};
  keys::KeyPtr key_;
  Principal alice_;
  Decision decision_;
};

TEST_F(Authorization, MakesTheKeyThatItAllows) {
  alice_.policies = {own_policy(kAllowEncrypt)};
  const keys::AuthorizedKey allowed = authorizer_.authorize(alice(), kEncrypt, key_, {}, decision_);
  EXPECT_EQ(allowed.pointer(), key_);
  EXPECT_EQ(allowed.arn(), kKeyArn);
  EXPECT_EQ(allowed.action(), kEncrypt);
  EXPECT_TRUE(decision_.allowed);
  EXPECT_EQ(decision_.reason, Reason::identity_policy);
  EXPECT_EQ(decision_.policy, "inline");
  EXPECT_EQ(decision_.statement, "Use");
}

TEST_F(Authorization, RefusesWhatNothingAllows) {
  constexpr const char* kNothing =
      "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt on "
      "resource: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab "
      "because no identity-based policy allows the kms:Encrypt action";
  EXPECT_EQ(on_key(alice()), kNothing);
  EXPECT_FALSE(decision_.allowed);
  EXPECT_EQ(decision_.reason, Reason::no_identity_policy);
  alice_.policies = {
      own_policy(R"({"Effect":"Allow","Action":["kms:Decrypt","s3:*"],"Resource":"*"})")};
  EXPECT_EQ(on_key(alice()), kNothing);
}

TEST_F(Authorization, LetsADenyOutweighEveryAllow) {
  alice_.policies = {own_policy(kAllowEncrypt), own_policy(kDenyEncrypt)};
  EXPECT_EQ(on_key(alice()),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt "
            "on resource: "
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab with an "
            "explicit deny in an identity-based policy");
  EXPECT_EQ(decision_.reason, Reason::deny_in_identity_policy);
  EXPECT_EQ(decision_.statement, "Never");
}

TEST_F(Authorization, ReadsTheKeysOwnPolicyAgainWhenItChanges) {
  keys::KeyRecord changed = *key_;
  changed.policy = R"({"Statement":{"Sid":"Her","Effect":"Allow","Principal":{"AWS":")" +
                   std::string(kAlice) + R"("},"Action":"kms:Encrypt","Resource":"*"}})";
  EXPECT_NE(on_key(alice()), "");
  EXPECT_EQ(on_key(alice(), kEncrypt, std::make_shared<const keys::KeyRecord>(changed)), "");
  EXPECT_EQ(decision_.reason, Reason::key_policy);
  EXPECT_EQ(decision_.policy, "key policy");
  EXPECT_EQ(decision_.statement, "Her");
  EXPECT_NE(on_key(alice()), "");
}

TEST_F(Authorization, AsksForEverythingWithoutAKeyOnAnyResource) {
  EXPECT_EQ(on_account({"CreateKey"}),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:CreateKey on resource: * "
            "because no identity-based policy allows the kms:CreateKey action");
  alice_.policies = {own_policy(R"({"Effect":"Deny","Action":"kms:CreateKey","Resource":"*"},
                                   {"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"})")};
  EXPECT_EQ(on_account({"CreateKey"}),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:CreateKey on resource: * with an explicit deny in an identity-based policy");
  EXPECT_EQ(on_account({"ListKeys"}), "");
}

TEST_F(Authorization, AsksForAliasesByTheirArn) {
  constexpr const char* kAlias = "arn:aws:kms:us-east-1:123456789012:alias/app";
  alice_.policies = {own_policy(
      R"({"Effect":"Allow","Action":"kms:CreateAlias","Resource":"arn:aws:kms:*:*:alias/app"})")};
  EXPECT_EQ(on_account({"CreateAlias"}, kAlias), "");
  EXPECT_EQ(on_account({"CreateAlias"}, "arn:aws:kms:us-east-1:123456789012:alias/other"),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:CreateAlias on resource: arn:aws:kms:us-east-1:123456789012:alias/other because "
            "no identity-based policy allows the kms:CreateAlias action");
}

constexpr const char* kHidden =
    "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt on this "
    "resource because the resource does not exist in this Region, no resource-based policies allow "
    "access, or a resource-based policy explicitly denies access";

TEST_F(Authorization, HidesTheKeysOfOtherAccounts) {
  const auto foreign = std::make_shared<const keys::KeyRecord>(key_of(kOtherAccount));
  alice_.policies = {own_policy(kAllowEncrypt)};
  EXPECT_EQ(on_key(alice(), kEncrypt, foreign), kHidden);
  alice_.policies = {own_policy(kDenyEncrypt)};
  EXPECT_EQ(on_key(alice(), kEncrypt, foreign), kHidden);
  EXPECT_EQ(refusal([&] { Authorizer::deny_foreign(alice(), kEncrypt); }), kHidden);
}

TEST_F(Authorization, HidesTheKeyOfACiphertext) {
  EXPECT_EQ(refusal([&] { Authorizer::deny_ciphertext(alice(), {"Decrypt"}); }),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Decrypt "
            "on the resource associated with this ciphertext because the resource does not exist "
            "in this Region, no resource-based policies allow access, or a resource-based policy "
            "explicitly denies access");
}

TEST_F(Authorization, FindsTheGrantsOfTheCallerItsRoleAndItsAccount) {
  Principal role;
  role.type = Principal::Type::role;
  role.arn = kRole;
  role.account = kAccount;
  Caller session = alice();
  session.arn = kSession;
  session.type = "AssumedRole";
  session.user_name = "";
  session.principal = std::make_shared<const Principal>(role);
  session.session = std::make_shared<const Session>();

  EXPECT_TRUE(grants_for(*store_, *key_, session).empty());
  put(grant_to(kAlice, 'a'));
  EXPECT_TRUE(grants_for(*store_, *key_, session).empty());
  EXPECT_EQ(grants_for(*store_, *key_, alice()).size(), 1U);
  put(grant_to(kSession, 'b'));
  put(grant_to(kRole, 'c'));
  put(grant_to("arn:aws:iam::123456789012:root", 'd'));
  std::vector<std::string> found;
  for (const auto& grant : grants_for(*store_, *key_, session))
    found.push_back(grant->id.substr(0, 1));
  EXPECT_EQ(found, (std::vector<std::string>{"b", "c", "d"}));
}

TEST_F(Authorization, ListensToAGrantAtOnceAndNoLongerThanItIsThere) {
  EXPECT_NE(on_key(alice()), "");
  put(grant_to(kAlice, 'a'));
  EXPECT_EQ(on_key(alice()), "");
  EXPECT_EQ(decision_.reason, Reason::grant);
  EXPECT_EQ(decision_.policy, "grant " + std::string(64, 'a'));
  EXPECT_EQ(decision_.statement, "for-jobs");
  const auto stored = store_->grant(key_->scope, key_->id, std::string(64, 'a'));
  ASSERT_TRUE(stored);
  EXPECT_EQ(decision_.grant, stored);
  const storage::Change changes[] = {storage::Erase<keys::GrantRecord>{*stored}};
  store_->commit(changes);
  EXPECT_NE(on_key(alice()), "");
}

TEST_F(Authorization, LetsTheRetiringPrincipalRetireAGrant) {
  const auto grant = std::make_shared<const keys::GrantRecord>(grant_to(kAlice, 'a'));
  const auto retire = [&](const Caller& caller) {
    return refusal([&] {
      static_cast<void>(authorizer_.authorize_retirement(caller, key_, grant, {}, decision_));
    });
  };
  EXPECT_EQ(retire(alice()),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:RetireGrant on resource: "
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab because "
            "no identity-based policy allows the kms:RetireGrant action");
  Caller rita = alice();
  rita.arn = "arn:aws:iam::123456789012:user/rita";
  EXPECT_EQ(retire(rita), "");
  EXPECT_EQ(decision_.reason, Reason::retirement);
}

TEST_F(Authorization, KnowsWhetherACallerKeepsControlOfAKey) {
  const auto keeps = [&](const std::string& principal, const std::string& action) {
    const Policy policy =
        parse_policy(R"({"Statement":{"Effect":"Allow","Principal":{"AWS":")" + principal +
                         R"("},"Action":")" + action + R"(","Resource":"*"}})",
                     PolicyKind::key);
    return Authorizer::keeps_control(alice(), *key_, policy, {});
  };
  EXPECT_TRUE(keeps(kAlice, "kms:PutKeyPolicy"));
  EXPECT_TRUE(keeps("*", "kms:*"));
  EXPECT_FALSE(keeps(kAlice, "kms:Encrypt"));
  EXPECT_FALSE(keeps("arn:aws:iam::123456789012:user/bob", "kms:*"));
  EXPECT_FALSE(keeps(kAccount, "kms:*"));  // her identity policies do not say so
  alice_.policies = {own_policy(R"({"Effect":"Allow","Action":"kms:*","Resource":"*"})")};
  EXPECT_TRUE(keeps(kAccount, "kms:*"));
}

TEST(Authorizer, OpensADoorForJobs) {
  const auto key = std::make_shared<const keys::KeyRecord>(key_of(kAccount));
  EXPECT_EQ(Authorizer::for_service(key, {"DeleteKey"}).pointer(), key);
}

}  // namespace
}  // namespace kms::auth
