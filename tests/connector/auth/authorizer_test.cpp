#include "connector/auth/authorizer.h"

#include <gtest/gtest.h>

#include "connector/api/error.h"
#include "connector/auth/identity_policy.h"

namespace kms::auth {
namespace {

constexpr keys::Action kEncrypt{"Encrypt"};
constexpr const char* kKeyArn =
    "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

config::Statement statement(bool allow, std::vector<std::string> actions) {
  return {.sid = "", .allow = allow, .actions = std::move(actions)};
}

keys::KeyPtr key_of(const std::string& account) {
  auto key = std::make_shared<keys::KeyRecord>();
  key->scope = {.account = account, .region = "us-east-1"};
  key->id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  return key;
}

/// alice of account 123456789012 with these statements.
class Authorization : public testing::Test {
 protected:
  Authorization() {
    caller_ = {.arn = "arn:aws:iam::123456789012:user/alice",
               .account = "123456789012",
               .type = "IAMUser",
               .principal_id = "AIDAALICEEXAMPLE",
               .user_name = "alice",
               .access_key_id = "AKIDEXAMPLE",
               .principal = &principal_};
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
  [[nodiscard]] std::string on_key(keys::Action action,
                                   const std::string& account = "123456789012") const {
    return refusal(
        [&] { static_cast<void>(authorizer_.authorize(caller_, action, key_of(account), {})); });
  }
  [[nodiscard]] std::string on_account(keys::Action action) const {
    return refusal([&] { authorizer_.authorize_account(caller_, action, {}); });
  }

  config::Principal principal_;
  Caller caller_;
  Authorizer authorizer_;
};

TEST_F(Authorization, MakesTheKeyThatItAllows) {
  principal_.statements = {statement(true, {"kms:Encrypt"})};
  const keys::KeyPtr key = key_of("123456789012");
  const keys::AuthorizedKey allowed = authorizer_.authorize(caller_, kEncrypt, key, {});
  EXPECT_EQ(allowed.pointer(), key);
  EXPECT_EQ(allowed.arn(), kKeyArn);
  EXPECT_EQ(allowed.action(), kEncrypt);
}

TEST_F(Authorization, RefusesWhatNothingAllows) {
  constexpr const char* kNothing =
      "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt on "
      "resource: "
      "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab because no "
      "identity-based policy "
      "allows the kms:Encrypt action";
  EXPECT_EQ(on_key(kEncrypt), kNothing);
  principal_.statements = {statement(true, {"kms:Decrypt", "s3:*"}), statement(true, {})};
  EXPECT_EQ(on_key(kEncrypt), kNothing);
  caller_.principal = nullptr;
  EXPECT_EQ(on_key(kEncrypt), kNothing);
}

TEST_F(Authorization, LetsADenyOutweighEveryAllow) {
  constexpr const char* kDenied =
      "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt on "
      "resource: "
      "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab with an "
      "explicit deny in an "
      "identity-based policy";
  principal_.statements = {statement(true, {"*"}), statement(false, {"kms:enc*"}),
                           statement(true, {"kms:*"})};
  EXPECT_EQ(on_key(kEncrypt), kDenied);
  EXPECT_EQ(on_key({"Decrypt"}), "");
  principal_.statements = {statement(false, {"kms:Encrypt"})};
  EXPECT_EQ(on_key(kEncrypt), kDenied);
}

TEST_F(Authorization, AsksForEverythingWithoutAKeyOnAnyResource) {
  EXPECT_EQ(on_account({"CreateKey"}),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:CreateKey on resource: * "
            "because no identity-based policy allows the kms:CreateKey action");
  principal_.statements = {statement(false, {"kms:CreateKey"}), statement(true, {"kms:ListKeys"})};
  EXPECT_EQ(on_account({"CreateKey"}),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: "
            "kms:CreateKey on resource: * "
            "with an explicit deny in an identity-based policy");
  EXPECT_EQ(on_account({"ListKeys"}), "");
}

TEST_F(Authorization, HidesTheKeysOfOtherAccounts) {
  principal_.statements = {statement(true, {"*"})};
  const std::string hidden =
      "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Encrypt on "
      "this resource because "
      "the resource does not exist in this Region, no resource-based policies allow access, or a "
      "resource-based "
      "policy explicitly denies access";
  EXPECT_EQ(on_key(kEncrypt, "111122223333"), hidden);
  principal_.statements = {statement(false, {"*"})};
  EXPECT_EQ(on_key(kEncrypt, "111122223333"), hidden);
  EXPECT_EQ(refusal([&] { Authorizer::deny_foreign(caller_, kEncrypt); }), hidden);
}

TEST_F(Authorization, HidesTheKeyOfACiphertext) {
  EXPECT_EQ(refusal([&] { Authorizer::deny_ciphertext(caller_, {"Decrypt"}); }),
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Decrypt "
            "on the resource "
            "associated with this ciphertext because the resource does not exist in this Region, "
            "no resource-based "
            "policies allow access, or a resource-based policy explicitly denies access");
}

TEST_F(Authorization, AllowsTheRootUserItsOwnAccount) {
  caller_.arn = "arn:aws:iam::123456789012:root";
  caller_.type = "Root";
  EXPECT_EQ(on_key(kEncrypt), "");
  EXPECT_EQ(on_account({"CreateKey"}), "");
  EXPECT_NE(on_key(kEncrypt, "111122223333"), "");
  principal_.statements = {statement(false, {"kms:Encrypt"})};
  EXPECT_NE(on_key(kEncrypt), "");
}

TEST(Authorizer, OpensADoorForJobs) {
  const keys::KeyPtr key = key_of("123456789012");
  EXPECT_EQ(Authorizer::for_service(key, {"DeleteKey"}).pointer(), key);
}

TEST(ActionPattern, MatchesAsIamDoes) {
  for (const char* pattern : {"*", "kms:*", "kms:DescribeKey", "KMS:describekey", "kms:Describe*",
                              "kms:*Key", "kms:D*K*", "kms:Describe???", "kms:*", "k*y", "**",
                              "kms:DescribeKey*", "*kms:DescribeKey", "kms:*e*e*e*"}) {
    EXPECT_TRUE(action_matches(pattern, "kms:DescribeKey")) << pattern;
  }
  for (const char* pattern :
       {"", "kms:Describe", "kms:Describe?", "kms:Describe????", "kms:DescribeKeys", "s3:*", "kms",
        "DescribeKey", "kms:*x", "kms:*Keys*", "?", "kms:*e*e*e*e*"}) {
    EXPECT_FALSE(action_matches(pattern, "kms:DescribeKey")) << pattern;
  }
  EXPECT_TRUE(action_matches("*", ""));
  EXPECT_TRUE(action_matches("", ""));
  EXPECT_FALSE(action_matches("?", ""));
}

TEST(ActionPattern, CostsNoMoreThanItsLength) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(action_matches(pattern + "b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace kms::auth
