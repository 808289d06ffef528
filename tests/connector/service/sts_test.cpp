#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "tests/support/service/harness.h"

// STS as its clients see it, and KMS with the credentials that it gives out.
namespace kms::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kCarolSecret = "secret-of-carol-of-the-other-account-123";
const Credentials kCarol{"AKIAEXAMPLECAROL0001", kCarolSecret, ""};
const Credentials kRoot{"AKIAEXAMPLEROOT00001", "secret-of-the-root-user-of-the-account-1", ""};

std::string role_arn(const std::string& name) {
  return std::string("arn:aws:iam::") + kAccount + ":role/" + name;
}

config::Policy policy(const std::string& json) { return {.name = "policy", .json = json}; }

std::string allow(const std::string& action) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + action +
         R"(","Resource":"*"}]})";
}

/// A statement of a trust policy.
std::string trusts(const std::string& principal, const std::string& condition = "{}") {
  return R"({"Effect":"Allow","Principal":{"AWS":")" + principal +
         R"("},"Action":["sts:AssumeRole","sts:TagSession"],"Condition":)" + condition + "}";
}

config::Principal role(const std::string& name, const std::string& trust_statement,
                       const std::string& action = "kms:*") {
  config::Principal result;
  result.arn = role_arn(name);
  result.account = kAccount;
  result.name = name.substr(name.rfind('/') + 1);
  result.unique_id = "AROA" + result.name;
  result.trust_policy = policy(R"({"Version":"2012-10-17","Statement":[)" + trust_statement + "]}");
  if (!action.empty()) result.policies.push_back(policy(allow(action)));
  return result;
}

config::Principal user(const std::string& account, const std::string& resource,
                       const Credentials& credentials, const std::string& action) {
  config::Principal result;
  result.arn = "arn:aws:iam::" + account + ":" + resource;
  result.account = account;
  result.name = resource.substr(resource.rfind('/') + 1);
  result.unique_id = resource == "root" ? account : "AIDA" + result.name;
  result.access_keys.push_back(
      {.id = credentials.access_key_id, .secret = SecretBytes::copy_of(credentials.secret)});
  if (!action.empty()) result.policies.push_back(policy(allow(action)));
  return result;
}

/// An answer in XML.
struct Xml {
  int status = 0;
  std::string body;
  api::Headers headers;

  /// The text of the first element of this name; "(absent)" if there is none.
  [[nodiscard]] std::string at(const std::string& tag) const {
    const auto from = body.find("<" + tag + ">");
    if (from == std::string::npos) return "(absent)";
    const auto begin = from + tag.size() + 2;
    return body.substr(begin, body.find("</" + tag + ">") - begin);
  }
  /// "200", or "403 AccessDenied: <message>".
  [[nodiscard]] std::string outcome() const {
    if (status == 200) return "200";
    return std::to_string(status) + " " + at("Code") + ": " + at("Message");
  }
  [[nodiscard]] Credentials credentials() const {
    return {at("AccessKeyId"), at("SecretAccessKey"), at("SessionToken")};
  }
};

std::string encoded(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto c = static_cast<unsigned char>(letter);
    if (std::isalnum(c) != 0) {
      out += letter;
    } else {
      constexpr const char* kDigits = "0123456789ABCDEF";
      out += '%';
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  return out;
}

std::string form(const std::string& action,
                 const std::vector<std::pair<std::string, std::string>>& parameters = {}) {
  std::string text = "Action=" + action + "&Version=2011-06-15";
  for (const auto& [name, value] : parameters) text += "&" + name + "=" + encoded(value);
  return text;
}

class Sts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    harness_ = std::make_unique<Harness>();
    const std::string account = std::string("arn:aws:iam::") + kAccount;
    auto& principals = harness_->config().principals;
    principals.push_back(user(kAccount, "root", kRoot, ""));
    principals.push_back(user(kOtherAccount, "user/carol", kCarol, "sts:AssumeRole"));
    principals.push_back(role("app", trusts(account + ":user/admin")));
    principals.back().max_session_duration = std::chrono::hours(2);
    principals.back().tags = {{"team", "blue"}};
    principals.push_back(role("tagged", trusts(account + ":user/admin",
                                               R"({"StringEquals":{"aws:ResourceTag/team":"blue",)"
                                               R"("iam:ResourceTag/Team":"blue"}})")));
    principals.back().max_session_duration = std::chrono::minutes(30);
    principals.back().tags = {{"team", "blue"}};
    principals.push_back(role(
        "untagged",
        trusts(account + ":user/admin", R"({"StringEquals":{"iam:ResourceTag/team":"blue"}})")));
    principals.push_back(role("path/deep", trusts(account + ":root")));
    principals.push_back(role("external", trusts(account + ":user/alice",
                                                 R"({"StringEquals":{"sts:ExternalId":"key-1",)"
                                                 R"("sts:RoleSessionName":"${aws:username}"}})")));
    principals.push_back(role("shared", trusts(kOtherAccount)));
    principals.push_back(role("chain", trusts(role_arn("app"))));
    principals.push_back(role("red", trusts(account + ":user/admin",
                                            R"({"StringEquals":{"aws:RequestTag/team":"red"}})")));
    harness_->restart();
  }
  static void TearDownTestSuite() { harness_.reset(); }
  static Harness& kms() { return *harness_; }

  static Xml post(const std::string& form, const Credentials& caller = admin(),
                  const std::string& region = "us-east-1", const std::string& service = "sts") {
    api::Request request =
        Signer(caller, region, "127.0.0.1:8080", service).sign_form(form, Harness::now());
    return handle(request);
  }
  static Xml handle(api::Request& request) {
    const Answer answer = kms().handle(request);
    return {.status = answer.status, .body = answer.body, .headers = answer.headers};
  }
  static Xml assume(const std::string& name, const Credentials& caller = admin(),
                    std::vector<std::pair<std::string, std::string>> more = {}) {
    more.insert(more.begin(), {{"RoleArn", role_arn(name)}, {"RoleSessionName", "session"}});
    return post(form("AssumeRole", more), caller);
  }
  static std::string who(const Credentials& caller) {
    return post(form("GetCallerIdentity"), caller).at("Arn");
  }
  static std::string last_audit() { return kms().audit_lines().back(); }

 private:
  inline static std::unique_ptr<Harness> harness_;
};

TEST_F(Sts, TellsWhoCalls) {
  const Xml answer = post(form("GetCallerIdentity"), alice());
  EXPECT_EQ(answer.outcome(), "200");
  EXPECT_EQ(answer.headers.get("content-type"), "text/xml");
  EXPECT_EQ(answer.body,
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
            "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>" +
                answer.at("UserId") +
                "</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
                "<ResponseMetadata><RequestId>" +
                std::string(*answer.headers.get("x-amzn-requestid")) +
                "</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
  EXPECT_THAT(last_audit(), HasSubstr(R"("eventSource":"sts.amazonaws.com")"));
  EXPECT_THAT(last_audit(), HasSubstr(R"("eventName":"GetCallerIdentity")"));
  EXPECT_EQ(who(kRoot), "arn:aws:iam::123456789012:root");
  EXPECT_EQ(post(form("GetCallerIdentity"), kRoot).at("UserId"), kAccount);
}

TEST_F(Sts, GivesOutCredentialsOfARole) {
  const Xml answer = assume("app");
  ASSERT_EQ(answer.outcome(), "200") << answer.body;
  EXPECT_EQ(answer.at("AssumedRoleId"), "AROAapp:session");
  EXPECT_EQ(answer.at("AssumedRoleUser"),
            "<AssumedRoleId>AROAapp:session</AssumedRoleId>"
            "<Arn>arn:aws:sts::123456789012:assumed-role/app/session</Arn>");
  EXPECT_EQ(answer.at("PackedPolicySize"), "(absent)");
  const Credentials session = answer.credentials();
  EXPECT_THAT(session.access_key_id, StartsWith("ASIA"));
  EXPECT_EQ(session.access_key_id.size(), 20U);
  EXPECT_EQ(session.secret.size(), 40U);
  EXPECT_EQ(answer.at("Expiration").size(), std::string("2026-11-24T01:00:00Z").size());
  EXPECT_EQ(who(session), "arn:aws:sts::123456789012:assumed-role/app/session");
  EXPECT_EQ(post(form("GetCallerIdentity"), session).at("UserId"), "AROAapp:session");

  EXPECT_EQ(kms().call("CreateKey", "{}", session).outcome(), "200");
  EXPECT_THAT(last_audit(), HasSubstr(R"("type":"AssumedRole","principalId":"AROAapp:session")"));
  EXPECT_THAT(last_audit(), HasSubstr(R"("sessionIssuer":{"type":"Role")"));
}

TEST_F(Sts, KeepsSecretsOutOfTheAuditFile) {
  const Credentials session = assume("app").credentials();
  const std::string line = last_audit();
  EXPECT_THAT(line, HasSubstr(R"("eventSource":"sts.amazonaws.com","eventName":"AssumeRole")"));
  EXPECT_THAT(line, HasSubstr(R"("requestParameters":{"roleArn":"arn:aws:iam::123456789012:)"
                              R"(role/app","roleSessionName":"session"})"));
  EXPECT_THAT(line, HasSubstr(R"("responseElements":{"credentials":{"accessKeyId":")" +
                              session.access_key_id + R"(","expiration":")"));
  EXPECT_THAT(line, HasSubstr(R"("type":"AWS::IAM::Role","ARN":"arn:aws:iam::123456789012:role/)"));
  for (const std::string& one : kms().audit_lines()) {
    EXPECT_THAT(one, Not(HasSubstr(session.secret)));
    EXPECT_THAT(one, Not(HasSubstr(session.session_token)));
  }
}

TEST_F(Sts, TheAuditFileTellsWhy) {
  EXPECT_EQ(assume("app").outcome(), "200");
  EXPECT_THAT(last_audit(),
              HasSubstr(R"("authorization":[{"action":"sts:AssumeRole","effect":"Allow",)"
                        R"("policy":"trust policy"}])"));
  EXPECT_NE(assume("app", alice()).outcome(), "200");
  EXPECT_THAT(last_audit(),
              HasSubstr(R"("authorization":[{"action":"sts:AssumeRole","effect":"Deny"}])"));
}

TEST_F(Sts, SessionsSurviveARestart) {
  const Credentials session = assume("app").credentials();
  kms().restart();
  EXPECT_EQ(kms().call("ListKeys", "{}", session).outcome(), "200");
}

TEST_F(Sts, RefusesTokensThatAreNotTheirs) {
  const Credentials session = assume("app").credentials();
  const Credentials other = assume("app").credentials();
  const auto outcome = [](const Credentials& caller) {
    return kms().call("ListKeys", "{}", caller).outcome();
  };
  const std::string invalid =
      "400 UnrecognizedClientException: The security token included in the request is invalid";
  Credentials changed = session;
  changed.session_token.clear();
  EXPECT_THAT(outcome(changed), StartsWith(invalid));
  changed.session_token = other.session_token;
  EXPECT_EQ(outcome(changed), invalid);
  changed = session;
  changed.session_token[40] = changed.session_token[40] == 'A' ? 'B' : 'A';
  EXPECT_EQ(outcome(changed), invalid);
  changed = session;
  changed.secret = other.secret;
  EXPECT_THAT(outcome(changed), StartsWith("400 InvalidSignatureException"));
  changed = admin();
  changed.session_token = session.session_token;
  EXPECT_EQ(outcome(changed), invalid);
  // STS has its own names for the same.
  changed = session;
  changed.session_token = "junk";
  EXPECT_EQ(post(form("GetCallerIdentity"), changed).outcome(),
            "403 InvalidClientTokenId: The security token included in the request is invalid");
}

TEST_F(Sts, SessionsExpire) {
  const Credentials session = assume("app", admin(), {{"DurationSeconds", "900"}}).credentials();
  const auto outcome = [&] { return kms().call("ListKeys", "{}", session).outcome(); };
  const auto at_offset = [](std::chrono::seconds offset) {
    kms().stop();
    kms().config().clock_offset = offset;
    kms().start();
  };
  at_offset(std::chrono::seconds(800));
  EXPECT_EQ(outcome(), "200");
  at_offset(std::chrono::seconds(900));
  EXPECT_EQ(outcome(),
            "400 ExpiredTokenException: The security token included in the request is expired");
  EXPECT_EQ(post(form("GetCallerIdentity"), session).outcome(),
            "403 ExpiredToken: The security token included in the request is expired");
  at_offset(std::chrono::seconds(0));
}

TEST_F(Sts, SessionsEndWithTheirRole) {
  auto& principals = kms().config().principals;
  principals.push_back(role("short-lived", trusts("*")));
  kms().restart();
  const Credentials session = assume("short-lived").credentials();
  EXPECT_EQ(kms().call("ListKeys", "{}", session).outcome(), "200");
  principals.back().unique_id = "AROAanother";
  kms().restart();
  EXPECT_THAT(kms().call("ListKeys", "{}", session).outcome(),
              StartsWith("400 UnrecognizedClientException"));
  principals.back().unique_id = "AROAshort-lived";
  principals.back().sessions_not_before =
      std::chrono::floor<std::chrono::seconds>(Harness::now() + std::chrono::hours(1));
  kms().restart();
  EXPECT_THAT(kms().call("ListKeys", "{}", session).outcome(),
              StartsWith("400 ExpiredTokenException"));
  principals.pop_back();
  kms().restart();
  EXPECT_THAT(kms().call("ListKeys", "{}", session).outcome(),
              StartsWith("400 UnrecognizedClientException"));
}

std::string denied(const std::string& who, const std::string& name,
                   const std::string& action = "sts:AssumeRole") {
  return "403 AccessDenied: User: " + who + " is not authorized to perform: " + action +
         " on resource: " + role_arn(name);
}
constexpr const char* kAlice = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kAdmin = "arn:aws:iam::123456789012:user/admin";

TEST_F(Sts, RefusesARoleTheSameWhetherThereIsOne) {
  EXPECT_EQ(assume("app", alice()).outcome(), denied(kAlice, "app"));
  EXPECT_EQ(assume("none", alice()).outcome(), denied(kAlice, "none"));
  EXPECT_EQ(assume("none").outcome(), denied(kAdmin, "none"));
}

TEST_F(Sts, AnAccountThatIsTrustedDecidesItself) {
  EXPECT_EQ(assume("path/deep").at("Arn"), "arn:aws:sts::123456789012:assumed-role/deep/session");
  EXPECT_EQ(assume("path/deep", alice()).outcome(), denied(kAlice, "path/deep"));
  // Across accounts both must say so.
  EXPECT_EQ(assume("shared", kCarol).outcome(), "200");
  EXPECT_EQ(assume("shared", bob()).outcome(),
            denied("arn:aws:iam::111122223333:user/bob", "shared"));
  EXPECT_EQ(assume("path/deep", kCarol).outcome(),
            denied("arn:aws:iam::111122223333:user/carol", "path/deep"));
}

TEST_F(Sts, ConditionsOfTheTrustPolicyMustHold) {
  const auto as = [](const std::string& name, const std::string& id) {
    return post(form("AssumeRole", {{"RoleArn", role_arn("external")},
                                    {"RoleSessionName", name},
                                    {"ExternalId", id}}),
                alice())
        .outcome();
  };
  EXPECT_EQ(as("alice", "key-1"), "200");
  EXPECT_EQ(as("alice", "key-2"), denied(kAlice, "external"));
  EXPECT_EQ(as("bob", "key-1"), denied(kAlice, "external"));
  EXPECT_EQ(assume("external", alice()).outcome(), denied(kAlice, "external"));
}

TEST_F(Sts, RootMayNotAssumeRoles) {
  EXPECT_EQ(assume("path/deep", kRoot).outcome(),
            "403 AccessDenied: Roles may not be assumed by root accounts.");
}

TEST_F(Sts, LimitsTheDuration) {
  const auto duration = [](const std::string& seconds) {
    return assume("app", admin(), {{"DurationSeconds", seconds}}).outcome();
  };
  EXPECT_EQ(duration("7200"), "200");
  EXPECT_EQ(duration("7201"),
            "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set "
            "for this role.");
  EXPECT_EQ(duration("899"),
            "400 ValidationError: 1 validation error detected: Value '899' at 'durationSeconds' "
            "failed to satisfy constraint: Member must have value greater than or equal to 900");
  EXPECT_EQ(duration("43201"),
            "400 ValidationError: 1 validation error detected: Value '43201' at 'durationSeconds' "
            "failed to satisfy constraint: Member must have value less than or equal to 43200");
  EXPECT_THAT(duration("an hour"), StartsWith("400 MalformedInput"));
}

// Once an omitted duration was an hour for every role.
TEST_F(Sts, LastsAsLongAsTheRoleAllowsIfNotAskedOtherwise) {
  const Xml answer = assume("tagged");
  EXPECT_EQ(answer.outcome(), "200");
  EXPECT_LE(answer.at("Expiration"), iso8601_extended(Harness::now() + std::chrono::minutes(30)));
  EXPECT_EQ(assume("tagged", admin(), {{"DurationSeconds", "3600"}}).outcome(),
            "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set "
            "for this role.");
}

TEST_F(Sts, TagsOfTheRoleReachItsTrustPolicy) {
  EXPECT_EQ(assume("tagged").outcome(), "200");
  EXPECT_EQ(assume("untagged").outcome(), denied(kAdmin, "untagged"));
}

TEST_F(Sts, ChainedRolesLastAnHour) {
  const Credentials app = assume("app").credentials();
  EXPECT_EQ(assume("chain").outcome(), denied(kAdmin, "chain"));
  const Xml chained = assume("chain", app);
  EXPECT_EQ(chained.outcome(), "200");
  EXPECT_EQ(who(chained.credentials()), "arn:aws:sts::123456789012:assumed-role/chain/session");
  EXPECT_EQ(assume("chain", app, {{"DurationSeconds", "3601"}}).outcome(),
            "400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit "
            "for roles assumed by role chaining.");
}

TEST_F(Sts, SessionPoliciesTakeAway) {
  const Xml answer = assume("app", admin(), {{"Policy", allow("kms:ListKeys")}});
  ASSERT_EQ(answer.outcome(), "200");
  EXPECT_EQ(answer.at("PackedPolicySize"), "3");
  const Credentials session = answer.credentials();
  EXPECT_EQ(kms().call("ListKeys", "{}", session).outcome(), "200");
  EXPECT_EQ(kms().call("ListAliases", "{}", session).outcome(),
            "400 AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/app/session "
            "is not authorized to perform: kms:ListAliases on resource: * because no session "
            "policy allows the kms:ListAliases action");
  EXPECT_THAT(assume("app", admin(), {{"Policy", "{"}}).outcome(),
              StartsWith("400 MalformedPolicyDocument: "));
  EXPECT_EQ(assume("app", admin(),
                   {{"Policy",
                     R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms"}})"}})
                .outcome(),
            "400 MalformedPolicyDocument: Resource arn:aws:kms must be in ARN format or \"*\".");
  EXPECT_THAT(assume("app", admin(), {{"Policy", std::string(2049, ' ')}}).outcome(),
              HasSubstr("'policy' failed to satisfy constraint: Member must have length less than "
                        "or equal to 2048"));
}

TEST_F(Sts, TagsReachTrustPoliciesAndSessions) {
  EXPECT_EQ(assume("red").outcome(), denied(kAdmin, "red"));
  EXPECT_EQ(assume("red", admin(), {{"Tags.member.1.Key", "Team"}, {"Tags.member.1.Value", "red"}})
                .outcome(),
            "200");
  // carol may assume roles, but not tag sessions.
  EXPECT_EQ(assume("shared", kCarol, {{"Tags.member.1.Key", "a"}, {"Tags.member.1.Value", "b"}})
                .outcome(),
            denied("arn:aws:iam::111122223333:user/carol", "shared", "sts:TagSession"));
  EXPECT_EQ(assume("app", admin(),
                   {{"Tags.member.1.Key", "a"},
                    {"Tags.member.1.Value", "b"},
                    {"Tags.member.2.Key", "A"},
                    {"Tags.member.2.Value", ""}})
                .outcome(),
            "400 InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are "
            "case insensitive.");
  EXPECT_EQ(
      assume("app", admin(), {{"Tags.member.1.Key", "AWS:team"}, {"Tags.member.1.Value", "b"}})
          .outcome(),
      "400 InvalidParameterValue: Tags beginning with aws: are reserved");
}

// Once what was behind a gap was dropped without a word.
TEST_F(Sts, ListsHaveNoGaps) {
  EXPECT_EQ(
      assume("app", admin(), {{"Tags.member.2.Key", "a"}, {"Tags.member.2.Value", "b"}}).outcome(),
      "400 ValidationError: The members of Tags must be numbered from 1 without gaps.");
  EXPECT_EQ(assume("app", admin(),
                   {{"Tags.member.1.Key", "a"},
                    {"Tags.member.1.Value", "b"},
                    {"TransitiveTagKeys.member.01", "a"}})
                .outcome(),
            "400 ValidationError: The members of TransitiveTagKeys must be numbered from 1 without "
            "gaps.");
}

TEST_F(Sts, TransitiveTagsAreInherited) {
  EXPECT_EQ(assume("app", admin(), {{"TransitiveTagKeys.member.1", "a"}}).outcome(),
            "400 InvalidParameterValue: The specified transitive tag key must be included in the "
            "requested tags.");
  const Credentials app = assume("app", admin(),
                                 {{"Tags.member.1.Key", "a"},
                                  {"Tags.member.1.Value", "b"},
                                  {"TransitiveTagKeys.member.1", "A"}})
                              .credentials();
  EXPECT_EQ(
      assume("chain", app, {{"Tags.member.1.Key", "A"}, {"Tags.member.1.Value", "c"}}).outcome(),
      "400 InvalidParameterValue: One of the specified transitive tag keys can't be set because it "
      "conflicts with a transitive tag key from the calling session.");
  EXPECT_EQ(assume("chain", app).at("PackedPolicySize"), "1");
}

TEST_F(Sts, TooMuchIsNotPacked) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (int i = 1; i <= 20; ++i) {
    const std::string name = "Tags.member." + std::to_string(i);
    tags.emplace_back(name + ".Key", "key" + std::to_string(i));
    tags.emplace_back(name + ".Value", std::string(256, 'v'));
  }
  EXPECT_EQ(assume("app", admin(), tags).outcome(),
            "400 PackedPolicyTooLarge: Packed policy consumes 130% of allotted space");
  tags.resize(30);
  const Xml large = assume("app", admin(), tags);
  ASSERT_EQ(large.outcome(), "200");
  EXPECT_EQ(kms().call("ListKeys", "{}", large.credentials()).outcome(), "200");
}

TEST_F(Sts, ToldWhatIsWrongWithMembers) {
  EXPECT_EQ(post(form("AssumeRole")).outcome(),
            "400 ValidationError: 2 validation errors detected: Value null at 'roleArn' failed to "
            "satisfy constraint: Member must not be null; Value null at 'roleSessionName' failed "
            "to satisfy constraint: Member must not be null");
  const auto outcome = [](const std::string& arn, const std::string& name) {
    return post(form("AssumeRole", {{"RoleArn", arn}, {"RoleSessionName", name}})).outcome();
  };
  EXPECT_EQ(outcome(role_arn("app"), "Session1:2"),
            "400 ValidationError: 1 validation error detected: Value 'Session1:2' at "
            "'roleSessionName' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: [\\w+=,.@-]*");
  EXPECT_EQ(outcome("nothing-valid-in-here", "name"),
            "400 ValidationError: nothing-valid-in-here is invalid");
  EXPECT_THAT(outcome("arn", "name"), HasSubstr("length greater than or equal to 20"));
  EXPECT_THAT(outcome(role_arn("app"), std::string(65, 's')),
              HasSubstr("Member must have length less than or equal to 64"));
  for (const char* member : {"SerialNumber", "TokenCode", "SourceIdentity",
                             "PolicyArns.member.1.arn", "ProvidedContexts.member.1.ProviderArn"}) {
    EXPECT_THAT(assume("app", admin(), {{member, "something-or-other"}}).outcome(),
                HasSubstr("is not supported by this release."))
        << member;
  }
}

TEST_F(Sts, GivesUsersSessionsOfTheirOwn) {
  const Xml answer = post(form("GetSessionToken"), alice());
  ASSERT_EQ(answer.outcome(), "200");
  const Credentials session = answer.credentials();
  const Xml caller = post(form("GetCallerIdentity"), session);
  EXPECT_EQ(caller.at("Arn"), kAlice);
  EXPECT_THAT(last_audit(), HasSubstr(R"("type":"IAMUser")"));
  EXPECT_THAT(last_audit(), HasSubstr(R"("sessionContext":{"attributes":{"creationDate":")"));
  EXPECT_EQ(post(form("GetSessionToken"), session).outcome(),
            "403 AccessDenied: Cannot call GetSessionToken with session credentials");
  EXPECT_EQ(post(form("GetSessionToken"), assume("app").credentials()).outcome(),
            "403 AccessDenied: Cannot call GetSessionToken with session credentials");
  EXPECT_EQ(post(form("GetSessionToken", {{"DurationSeconds", "129600"}})).outcome(), "200");
  EXPECT_THAT(post(form("GetSessionToken", {{"DurationSeconds", "129601"}})).outcome(),
              HasSubstr("Member must have value less than or equal to 129600"));
  // The user's session may assume what the user may, and that is no chain.
  const Credentials admins = post(form("GetSessionToken")).credentials();
  EXPECT_EQ(assume("app", admins, {{"DurationSeconds", "7200"}}).outcome(), "200");
}

TEST_F(Sts, RootsSessionsLastAnHour) {
  const Xml answer = post(form("GetSessionToken", {{"DurationSeconds", "7200"}}), kRoot);
  ASSERT_EQ(answer.outcome(), "200");
  EXPECT_LE(answer.at("Expiration"), iso8601_extended(Harness::now() + std::chrono::seconds(3600)));
  EXPECT_EQ(who(answer.credentials()), "arn:aws:iam::123456789012:root");
}

TEST_F(Sts, RefusesOtherActionsBeforeAnythingElse) {
  const Xml answer = post("Action=AssumeRoot&Version=2011-06-15");
  EXPECT_EQ(answer.outcome(),
            "400 InvalidAction: Could not find operation AssumeRoot for version 2011-06-15");
  EXPECT_THAT(answer.body,
              StartsWith("<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09"
                         "\"><Error><Type>Sender</Type><Code>InvalidAction</Code>"));
  EXPECT_EQ(post("Action=AssumeRole").outcome(),
            "400 InvalidAction: Could not find operation AssumeRole for version "
            "NO_VERSION_SPECIFIED");
  EXPECT_THAT(post("Action=%3Cb%3E&Version=1").at("Message"), HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(post("Action=%zz").outcome(), StartsWith("400 MalformedInput"));
}

TEST_F(Sts, VerifiesSignatures) {
  Credentials wrong = alice();
  wrong.secret += "x";
  EXPECT_THAT(
      post(form("GetCallerIdentity"), wrong).outcome(),
      StartsWith("403 SignatureDoesNotMatch: The request signature we calculated does not"));
  wrong = {"AKIAUNKNOWNUNKNOWN00", "x", ""};
  EXPECT_EQ(post(form("GetCallerIdentity"), wrong).outcome(),
            "403 InvalidClientTokenId: The security token included in the request is invalid.");
  EXPECT_EQ(post(form("GetCallerIdentity"), alice(), "us-east-1", "kms").outcome(),
            "403 SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'. ");
  EXPECT_EQ(post(form("GetCallerIdentity"), alice(), "us-west-2").outcome(), "200");
  api::Request request;
  request.method = "POST";
  request.uri = "/";
  request.headers = {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = SecretBytes::copy_of(form("GetCallerIdentity"));
  EXPECT_EQ(handle(request).outcome(),
            "403 MissingAuthenticationToken: Missing Authentication Token");
}

TEST_F(Sts, LeavesKmsAsItIs) {
  api::Request request = Signer(admin()).sign_form("no-action=1", Harness::now());
  EXPECT_THAT(handle(request).body, StartsWith("<AccessDeniedException>"));
}

}  // namespace
}  // namespace kms::test
