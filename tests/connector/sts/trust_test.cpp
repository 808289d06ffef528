#include "connector/sts/trust.h"

#include <gtest/gtest.h>

#include <memory>

// Who may assume a role, by all that has a say in it.
namespace kms::sts {
namespace {

using auth::PolicyKind;

constexpr const char* kRole = "arn:aws:iam::123456789012:role/target";
constexpr const char* kUser = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kCallingRole = "arn:aws:iam::123456789012:role/caller";
constexpr const char* kSession = "arn:aws:sts::123456789012:assumed-role/caller/name";
constexpr const char* kAccountRoot = "arn:aws:iam::123456789012:root";

class NoConditions final : public auth::ConditionSource {
 public:
  [[nodiscard]] std::optional<std::vector<std::string>> values(
      const auth::ConditionKey&) const override {
    return std::nullopt;
  }
};

std::string statement(const std::string& effect, const std::string& rest) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":")" + effect +
         R"(","Action":"sts:AssumeRole",)" + rest + "}]}";
}
auth::NamedPolicy allow(const std::string& resource = kRole) {
  return {.name = "p",
          .policy = auth::parse_policy(statement("Allow", R"("Resource":")" + resource + "\""),
                                       PolicyKind::identity)};
}
auth::NamedPolicy deny() {
  return {
      .name = "p",
      .policy = auth::parse_policy(statement("Deny", R"("Resource":"*")"), PolicyKind::identity)};
}

class Trust : public testing::Test {
 protected:
  Trust() {
    principal_.arn = kUser;
    principal_.account = "123456789012";
    role_.arn = kRole;
    role_.account = "123456789012";
    role_.type = auth::Principal::Type::role;
  }
  void be_session() {
    principal_.arn = kCallingRole;
    principal_.type = auth::Principal::Type::role;
    session_ = std::make_shared<auth::Session>();
  }
  void be_of_another_account() {
    principal_.arn = "arn:aws:iam::111122223333:user/bob";
    principal_.account = "111122223333";
  }
  void trust(const std::string& principal, const std::string& effect = "Allow") {
    role_.trust_policy = auth::parse_policy(
        statement(effect, R"("Principal":{"AWS":")" + principal + "\"}"), PolicyKind::trust);
  }
  [[nodiscard]] bool trusted() const {
    auth::Caller caller;
    caller.arn =
        session_ && principal_.type == auth::Principal::Type::role ? kSession : principal_.arn;
    caller.account = principal_.account;
    caller.type = session_ ? "AssumedRole" : "IAMUser";
    caller.principal = std::make_shared<const auth::Principal>(principal_);
    caller.session = session_;
    return decide_trust(caller, role_, "sts:AssumeRole", NoConditions()).allowed;
  }

  auth::Principal principal_;
  auth::Principal role_;
  std::shared_ptr<auth::Session> session_;
};

TEST_F(Trust, OfNobodyIsNone) {
  principal_.policies = {allow("*")};
  EXPECT_FALSE(trusted());
  trust("arn:aws:iam::123456789012:user/other");
  EXPECT_FALSE(trusted());
}

TEST_F(Trust, InTheCallerNeedsNoIdentityPolicy) {
  trust(kUser);
  EXPECT_TRUE(trusted());
}

TEST_F(Trust, InTheAccountNeedsAnIdentityPolicy) {
  for (const char* const account : {kAccountRoot, "123456789012"}) {
    principal_.policies.clear();
    trust(account);
    EXPECT_FALSE(trusted()) << account;
    principal_.policies = {allow("arn:aws:iam::123456789012:role/other")};
    EXPECT_FALSE(trusted()) << account;
    principal_.policies = {allow()};
    EXPECT_TRUE(trusted()) << account;
  }
}

TEST_F(Trust, AcrossAccountsNeedsBoth) {
  be_of_another_account();
  trust(principal_.arn);
  EXPECT_FALSE(trusted());
  principal_.policies = {allow()};
  EXPECT_TRUE(trusted());
  trust("111122223333");
  EXPECT_TRUE(trusted());
  trust(kAccountRoot);
  EXPECT_FALSE(trusted());
}

TEST_F(Trust, IsOverruledByAnyDeny) {
  trust(kUser);
  principal_.policies = {allow(), deny()};
  EXPECT_FALSE(trusted());
  principal_.policies = {allow()};
  principal_.boundary = deny();
  EXPECT_FALSE(trusted());
  principal_.boundary.reset();
  EXPECT_TRUE(trusted());
  trust(kUser, "Deny");
  EXPECT_FALSE(trusted());
}

TEST_F(Trust, IsBoundedByTheBoundary) {
  trust(kAccountRoot);
  principal_.policies = {allow()};
  principal_.boundary = allow("arn:aws:iam::123456789012:role/other");
  EXPECT_FALSE(trusted());
  principal_.boundary = allow("arn:aws:iam::123456789012:role/t*");
  EXPECT_TRUE(trusted());
}

TEST_F(Trust, InEverybodyIsNotBounded) {
  be_session();
  trust("*");
  session_->policies = {allow("arn:aws:iam::123456789012:role/other")};
  EXPECT_TRUE(trusted());
  session_->policies = {deny()};
  EXPECT_FALSE(trusted());
}

TEST_F(Trust, InARoleIsBoundedByItsSessionPolicies) {
  be_session();
  trust(kCallingRole);
  EXPECT_TRUE(trusted());
  session_->policies = {allow("arn:aws:iam::123456789012:role/other")};
  EXPECT_FALSE(trusted());
  session_->policies.push_back(allow());
  EXPECT_TRUE(trusted());
  session_->policies.push_back(deny());
  EXPECT_FALSE(trusted());
}

}  // namespace
}  // namespace kms::sts
