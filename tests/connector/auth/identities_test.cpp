#include "connector/auth/identities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "connector/auth/sigv4.h"
#include "tests/connector/auth/fixture.h"

namespace kms::auth {
namespace {

std::string document(const std::string& action) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + action +
         R"(","Resource":"*"}]})";
}

std::vector<std::string> actions(const std::vector<NamedPolicy>& policies) {
  std::vector<std::string> found;
  for (const NamedPolicy& each : policies) {
    found.push_back(each.name + " " + each.policy.statements.at(0).actions.patterns.at(0));
  }
  return found;
}

/// alice of the fixture in two groups, with a boundary and tags; the role app.
config::Config example() {
  config::Config config = test::example_config();
  config::Principal& alice = config.principals[0];
  alice.policies.push_back({.name = "own", .json = document("kms:Encrypt")});
  alice.groups = {"arn:aws:iam::123456789012:group/auditors",
                  "arn:aws:iam::123456789012:group/users"};
  alice.permissions_boundary = {.name = "permissions_boundary", .json = document("kms:*")};
  alice.tags = {{"team", "payments"}};
  for (const char* name : {"users", "auditors", "others"}) {
    config::Group& group = config.groups.emplace_back();
    group.name = name;
    group.account = "123456789012";
    group.arn = "arn:aws:iam::123456789012:group/" + group.name;
    group.policies.push_back({.name = "policy", .json = document("kms:" + group.name)});
  }
  config::Principal& app = config.principals.emplace_back();
  app.arn = "arn:aws:iam::123456789012:role/path/app";
  app.account = "123456789012";
  app.name = "app";
  app.unique_id = "AROAAPP";
  app.trust_policy = {
      .name = "trust_policy",
      .json =
          R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}})"};
  app.max_session_duration = std::chrono::hours(2);
  return config;
}

TEST(Identities, HaveTheirOwnPoliciesAndThoseOfTheirGroups) {
  const Identities identities(example());
  const PrincipalPtr alice = identities.principal("arn:aws:iam::123456789012:user/team/alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_EQ(alice->type, Principal::Type::user);
  EXPECT_EQ(alice->account, "123456789012");
  EXPECT_EQ(alice->name, "alice");
  EXPECT_EQ(alice->unique_id, "AIDAALICEEXAMPLE");
  EXPECT_THAT(actions(alice->policies),
              testing::ElementsAre("own kms:Encrypt", "users/policy kms:users",
                                   "auditors/policy kms:auditors"));
  EXPECT_EQ(alice->boundary.value().policy.statements.at(0).actions.patterns.at(0), "kms:*");
  EXPECT_EQ(alice->tags.at("team"), "payments");
  EXPECT_EQ(alice->trust_policy, std::nullopt);
}

TEST(Identities, KnowRolesByTheirSessions) {
  const Identities identities(example());
  const PrincipalPtr app = identities.principal("arn:aws:iam::123456789012:role/path/app");
  ASSERT_NE(app, nullptr);
  EXPECT_EQ(app->type, Principal::Type::role);
  EXPECT_EQ(app->trust_policy.value().statements.size(), 1U);
  EXPECT_EQ(app->max_session_duration, std::chrono::hours(2));
  EXPECT_EQ(identities.role_of_session("arn:aws:sts::123456789012:assumed-role/app/ci"), app);
  for (const char* none : {"arn:aws:sts::111122223333:assumed-role/app/ci",
                           "arn:aws:sts::123456789012:assumed-role/app",
                           "arn:aws:sts::123456789012:assumed-role/path/app",
                           "arn:aws:iam::123456789012:role/path/app",
                           "arn:aws-cn:sts::123456789012:assumed-role/app/ci", ""}) {
    EXPECT_EQ(identities.role_of_session(none), nullptr) << none;
  }
}

TEST(Identities, HaveARootForEachAccountServed) {
  const Identities identities(example());
  const PrincipalPtr given = identities.principal("arn:aws:iam::123456789012:root");
  const PrincipalPtr implied = identities.principal("arn:aws:iam::111122223333:root");
  ASSERT_NE(given, nullptr);
  ASSERT_NE(implied, nullptr);
  EXPECT_EQ(given->type, Principal::Type::root);
  EXPECT_EQ(implied->type, Principal::Type::root);
  EXPECT_EQ(implied->account, "111122223333");
  EXPECT_EQ(implied->unique_id, "111122223333");
  EXPECT_EQ(identities.principal("arn:aws:iam::999999999999:root"), nullptr);
}

TEST(Identities, TellWhereAPolicyIsWrong) {
  config::Config config = example();
  config::Policy& policy = config.principals[0].policies[0];
  policy.json = R"({"Statement":[{"Effect":"Perhaps","Action":"kms:*","Resource":"*"}]})";
  policy.file = "/etc/kms.yaml";
  policy.places = {
      {"", {.line = 7, .column = 13, .key_path = "p.policy"}},
      {"Statement[0].Effect", {.line = 8, .column = 17, .key_path = "p.policy[0].Effect"}}};
  try {
    const Identities identities(config);
    FAIL();
  } catch (const config::Error& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("/etc/kms.yaml:8:17: p.policy[0].Effect: "));
  }
}

TEST(Identities, CheckGroupsThatNobodyIsIn) {
  config::Config config = example();
  config.groups.back().policies[0].json = "{}";
  EXPECT_THROW(Identities{config}, config::Error);
}

TEST(IdentityDirectory, AReplacementIsInEffectAtOnce) {
  config::Config config = test::example_config();
  const test::StandingClock clock;
  IdentityDirectory directory(std::make_shared<const Identities>(config));
  const SignatureVerifier verifier(config, {.identities = directory, .clock = clock});
  const api::Request old_key = test::signed_request();
  const std::string secret = "the secret of an access key that is new ";
  const api::Request new_key = test::signed_request({.access_key_id = "AKIDNEW", .secret = secret});
  EXPECT_EQ(test::verdict(verifier, old_key), "accepted");
  EXPECT_EQ(test::verdict(verifier, new_key), test::kUnknown);

  auto& keys = config.principals[0].access_keys;
  keys.push_back({.id = "AKIDNEW", .secret = SecretBytes::copy_of(std::string_view(secret))});
  directory.replace(std::make_shared<const Identities>(config));
  EXPECT_EQ(test::verdict(verifier, old_key), "accepted");
  EXPECT_EQ(test::verdict(verifier, new_key), "accepted");

  keys[0].active = false;
  directory.replace(std::make_shared<const Identities>(config));
  EXPECT_EQ(test::verdict(verifier, old_key), test::kUnknown);
  EXPECT_EQ(test::verdict(verifier, new_key), "accepted");

  // The same access key with another secret: nothing derived from the old one is left.
  keys.back().secret = SecretBytes::copy_of(std::string_view("another"));
  directory.replace(std::make_shared<const Identities>(config));
  EXPECT_EQ(test::verdict(verifier, new_key), test::kMismatch);
}

}  // namespace
}  // namespace kms::auth
