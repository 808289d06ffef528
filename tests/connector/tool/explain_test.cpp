#include "connector/tool/explain.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/service/harness.h"

namespace kms::tool {
namespace {

constexpr const char* kAlice = "arn:aws:iam::123456789012:user/alice";
constexpr const char* kAdmin = "arn:aws:iam::123456789012:user/admin";
constexpr const char* kCarol = "arn:aws:iam::123456789012:user/carol";
constexpr const char* kApp = "arn:aws:iam::123456789012:role/app";
constexpr const char* kBob = "arn:aws:iam::111122223333:user/bob";

config::Principal principal(const char* arn, const char* name) {
  config::Principal result;
  result.arn = arn;
  result.account = test::kAccount;
  result.name = name;
  result.unique_id = name;
  return result;
}

/// One shared service; the tool's own configuration knows carol and a role besides.
class Explain : public test::ServiceTest {
 protected:
  static void SetUpTestSuite() {
    test::ServiceTest::SetUpTestSuite();
    config::Principal carol = principal(kCarol, "carol");
    carol.policies.push_back({.name = "own", .json = R"({"Version":"2012-10-17","Statement":[
        {"Sid":"Own","Effect":"Allow","Action":"kms:*","Resource":"*",
         "Condition":{"StringEquals":{"kms:EncryptionContext:owner":"${aws:username}"}}},
        {"Effect":"Allow","Action":"kms:Encrypt","Resource":"arn:aws:kms:*:*:key/none"}]})"});
    carol.permissions_boundary = {.name = "most", .json = R"({"Statement":
        {"Effect":"Allow","NotAction":["kms:Decrypt","kms:Delete*"],"Resource":"*"}})"};
    kms().config().principals.push_back(std::move(carol));
    kms().config().principals.push_back(principal(kApp, "app"));
    key_ = kms().create_key();
  }
  static std::string arn() { return kms().arn(key_); }

  /// What is printed, with the key's ARN as KEY, and whether the request is allowed.
  std::string explain(ExplainOptions options) {
    if (options.action != "kms:ListKeys" && options.key.empty()) options.key = key_;
    std::ostringstream out;
    allowed_ = tool::explain(kms().config(), options, out);
    std::string text = out.str();
    for (auto at = text.find(arn()); at != std::string::npos; at = text.find(arn(), at)) {
      text.replace(at, arn().size(), "KEY");
    }
    return text;
  }
  /// "" or the refusal that the tool foretells.
  std::string foretold(const ExplainOptions& options) {
    constexpr std::string_view kRefusal = "AccessDeniedException: ";
    std::ostringstream out;
    (void)tool::explain(kms().config(), options, out);
    const std::string text = out.str();
    const auto at = text.find(kRefusal);
    return at == std::string::npos ? "200" : "400 " + text.substr(at, text.size() - at - 1);
  }
  std::string fault(const ExplainOptions& options) {
    try {
      return explain(options);
    } catch (const ExplainFault& e) {
      return e.what();
    }
  }

  inline static std::string key_;
  bool allowed_ = false;
};

TEST_F(Explain, DelegationWithoutAnIdentityPolicy) {
  EXPECT_EQ(explain({.principal = kAlice, .action = "kms:Decrypt"}),
            R"(caller: arn:aws:iam::123456789012:user/alice
action: kms:Decrypt
key: KEY
key policy, Statement[0] "Enable IAM User Permissions", Allow: applies to the caller's account, whose identity policies decide
identity policies: none
grants: none to the caller
decision: denied because no identity-based policy allows the kms:Decrypt action
AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Decrypt on resource: KEY because no identity-based policy allows the kms:Decrypt action
)");
  EXPECT_FALSE(allowed_);
}

TEST_F(Explain, DelegationWithAnIdentityPolicy) {
  EXPECT_EQ(explain({.principal = kAdmin, .action = "kms:Decrypt"}),
            R"(caller: arn:aws:iam::123456789012:user/admin
action: kms:Decrypt
key: KEY
key policy, Statement[0] "Enable IAM User Permissions", Allow: applies to the caller's account, whose identity policies decide
identity policy "policy", Statement[0], Allow: applies
grants: none to the caller
decision: allowed by an identity-based policy: policy
)");
  EXPECT_TRUE(allowed_);
}

TEST_F(Explain, WhyAStatementDoesNotApply) {
  const std::string policy = R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:user/admin"],
     "Service":"s3.amazonaws.com"},"Action":["kms:Encrypt","kms:Get*"],"Resource":"*"},
    {"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/alice"},
     "Action":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":"*","NotAction":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":"*","Action":"kms:*","NotResource":"*"},
    {"Sid":"Office","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
     "Condition":{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.1"]},"Null":{"kms:ViaService":"false"}}},
    {"Sid":"Alice","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/alice"},
     "Action":"kms:Decrypt","Resource":"*",
     "Condition":{"StringEquals":{"kms:EncryptionContext:purpose":"tour"}}}]})";
  const std::string head = R"(caller: arn:aws:iam::123456789012:user/alice
action: kms:Decrypt
key: KEY
key policy, Statement[0], Allow: does not apply: Action "kms:Encrypt", "kms:Get*" does not cover it
key policy, Statement[1], Allow: does not apply: NotPrincipal "arn:aws:iam::123456789012:user/alice" names the caller
key policy, Statement[2], Allow: does not apply: Principal "arn:aws:iam::111122223333:user/bob" is not the caller
key policy, Statement[3], Allow: does not apply: NotAction "kms:*" covers it
key policy, Statement[4], Allow: does not apply: NotResource "*" covers it
)";
  ExplainOptions options{.principal = kAlice, .action = "kms:Decrypt", .policy = policy};
  options.context = {{"AWS:sourceip", "10.1.2.3"}, {"purpose", "tour"}};
  EXPECT_EQ(
      explain(options),
      head +
          R"(key policy, Statement[5] "Office", Deny: does not apply: NotIpAddress aws:SourceIp wants "10.0.0.0/8", "192.0.2.1", found "10.1.2.3"
key policy, Statement[6] "Alice", Allow: applies to the caller
identity policies: none
grants: none to the caller
decision: allowed by the key policy: key policy, "Alice"
)");
  EXPECT_TRUE(allowed_);
  options.context = {{"aws:SourceIp", "192.0.2.2"}, {"kms:EncryptionContext:purpose", "theft"}};
  EXPECT_EQ(
      explain(options),
      head +
          R"(key policy, Statement[5] "Office", Deny: does not apply: Null kms:ViaService wants "false", found nothing
key policy, Statement[6] "Alice", Allow: does not apply: StringEquals kms:EncryptionContext:purpose wants "tour", found "theft"
identity policies: none
grants: none to the caller
decision: denied because no resource-based policy allows the kms:Decrypt action
AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Decrypt on resource: KEY because no resource-based policy allows the kms:Decrypt action
)");
  options.context.emplace_back("kms:ViaService", "s3.us-east-1.amazonaws.com");
  EXPECT_EQ(explain(options).substr(head.size()),
            R"(key policy, Statement[5] "Office", Deny: applies to the caller
key policy, Statement[6] "Alice", Allow: does not apply: StringEquals kms:EncryptionContext:purpose wants "tour", found "theft"
identity policies: none
grants: none to the caller
decision: denied with an explicit deny in a resource-based policy: key policy, "Office"
AccessDeniedException: User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:Decrypt on resource: KEY with an explicit deny in a resource-based policy
)");
}

TEST_F(Explain, IdentityPoliciesAndABoundary) {
  EXPECT_EQ(
      explain({.principal = kCarol, .action = "kms:Decrypt", .context = {{"owner", "carol"}}}),
      R"(caller: arn:aws:iam::123456789012:user/carol
action: kms:Decrypt
key: KEY
key policy, Statement[0] "Enable IAM User Permissions", Allow: applies to the caller's account, whose identity policies decide
identity policy "own", Statement[0] "Own", Allow: applies
identity policy "own", Statement[1], Allow: does not apply: Action "kms:Encrypt" does not cover it
permissions boundary "most", Statement[0], Allow: does not apply: NotAction "kms:Decrypt", "kms:Delete*" covers it
grants: none to the caller
decision: denied because no permissions boundary allows the kms:Decrypt action
AccessDeniedException: User: arn:aws:iam::123456789012:user/carol is not authorized to perform: kms:Decrypt on resource: KEY because no permissions boundary allows the kms:Decrypt action
)");
  const std::string text = explain({.principal = kCarol, .action = "kms:Encrypt"});
  EXPECT_NE(text.find(R"(
identity policy "own", Statement[0] "Own", Allow: does not apply: StringEquals kms:EncryptionContext:owner wants "${aws:username}", found nothing
identity policy "own", Statement[1], Allow: does not apply: Resource "arn:aws:kms:*:*:key/none" does not cover it
permissions boundary "most", Statement[0], Allow: applies
)"),
            std::string::npos)
      << text;
}

TEST_F(Explain, SessionsOfARoleAndGrants) {
  const std::string key = kms().create_key();
  const std::string grant = R"({"KeyId":")" + key + R"(","GranteePrincipal":")" + kAlice + R"(",)";
  const std::string narrow =
      kms()
          .ok("CreateGrant", grant + R"("Name":"narrow","Operations":["Decrypt"],
                "Constraints":{"EncryptionContextSubset":{"purpose":"tour"}}})")
          .at("GrantId");
  const std::string other =
      kms().ok("CreateGrant", grant + R"("Operations":["Encrypt"]})").at("GrantId");
  ExplainOptions options{.principal = kAlice, .action = "kms:Decrypt", .key = key};
  std::string text = explain(options);
  EXPECT_NE(
      text.find("\ngrant " + narrow + " \"narrow\" to " + kAlice +
                R"(: does not cover it: EncryptionContextSubset "purpose"="tour", found nothing)" +
                "\n"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("\ngrant " + other + " to " + kAlice + ": does not cover it: it is for Encrypt\n"),
      std::string::npos)
      << text;
  options.context = {{"purpose", "tour"}, {"more", "yes"}};
  text = explain(options);
  EXPECT_NE(text.find("\ngrant " + narrow + " \"narrow\" to " + kAlice + ": covers it\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("\ndecision: allowed by a grant: grant " + narrow + ", \"narrow\"\n"))
      << text;

  const std::string parent =
      kms().ok("CreateGrant", grant + R"("Operations":["CreateGrant","Decrypt"]})").at("GrantId");
  text = explain({.principal = kAlice, .action = "kms:CreateGrant", .key = key});
  EXPECT_NE(text.find("\ngrant " + parent + " to " + kAlice +
                      ": covers it, if the new grant permits no more than this one\n"),
            std::string::npos)
      << text;

  options = {
      .principal = "arn:aws:sts::123456789012:assumed-role/app/web",
      .action = "kms:Decrypt",
      .policy =
          R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/app"},
                           "Action":"*","Resource":"*"}})"};
  EXPECT_EQ(explain(options), R"(caller: arn:aws:sts::123456789012:assumed-role/app/web
action: kms:Decrypt
key: KEY
key policy, Statement[0], Allow: applies to the role of the session
identity policies: none
session policies: not known here; they can only take away
grants: none to the caller
decision: allowed by the key policy: key policy
)");
  options.policy =
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})";
  EXPECT_NE(explain(options).find("\nkey policy, Statement[0], Allow: applies to the caller\n"),
            std::string::npos);
  options.principal = kApp;
  EXPECT_TRUE(
      explain(options).starts_with("caller: arn:aws:sts::123456789012:assumed-role/app/explain\n"));
  EXPECT_TRUE(allowed_);
}

TEST_F(Explain, AliasesAndRegions) {
  kms().ok("CreateAlias", R"({"AliasName":"alias/tour","TargetKeyId":")" + key_ + R"("})");
  const std::string policy = R"({"Statement":{"Effect":"Allow","Principal":{"AWS":")" +
                             std::string(kAlice) + R"("},"Action":"kms:Encrypt","Resource":"*",
                             "Condition":{"StringEquals":{"kms:RequestAlias":"alias/tour",
                             "aws:RequestedRegion":"us-east-1"}}}})";
  ExplainOptions options{.principal = kAlice, .action = "kms:Encrypt", .policy = policy};
  EXPECT_FALSE((explain(options), allowed_));
  options.key = "alias/tour";
  EXPECT_TRUE((explain(options), allowed_));
  options.region = "us-west-2";
  EXPECT_EQ(fault(options), "no such alias: arn:aws:kms:us-west-2:123456789012:alias/tour");
  options.region = "mars";
  EXPECT_EQ(fault(options), "no such Region: mars");
}

TEST_F(Explain, ForetellsTheRefusal) {
  for (const auto& [arn_of, credentials] :
       {std::pair(kAdmin, test::admin()), std::pair(kAlice, test::alice()),
        std::pair(kBob, test::bob())}) {
    const std::string body = R"({"KeyId":")" + arn() + R"("})";
    for (const std::string operation : {"DescribeKey", "EnableKey", "ListGrants"}) {
      EXPECT_EQ(kms().call(operation, body, credentials).outcome(),
                foretold({.principal = arn_of, .action = "kms:" + operation, .key = arn()}));
    }
    EXPECT_EQ(kms().call("ListKeys", "{}", credentials).outcome(),
              foretold({.principal = arn_of, .action = "kms:ListKeys"}));
  }
}

TEST_F(Explain, RequestsWithoutAKey) {
  EXPECT_EQ(explain({.principal = kBob, .action = "kms:ListKeys"}),
            R"(caller: arn:aws:iam::111122223333:user/bob
action: kms:ListKeys
identity policy "policy", Statement[0], Allow: applies
decision: allowed by an identity-based policy: policy
)");
}

TEST_F(Explain, ANewKeyHasTheDefaultsOfWhatIsNotTold) {
  const std::string arn_of = "arn:aws:iam::123456789012:user/dave";
  config::Principal dave = principal(arn_of.c_str(), "dave");
  dave.policies.push_back({.name = "own", .json = R"({"Statement":[
      {"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":
       {"Bool":{"kms:MultiRegion":"false"},"StringEquals":{"kms:KeyOrigin":"AWS_KMS"}}},
      {"Effect":"Deny","Action":"kms:CreateKey","Resource":"*","Condition":
       {"StringEquals":{"kms:KeySpec":"RSA_4096"}}}]})"});
  kms().config().principals.push_back(std::move(dave));
  const auto decision = [&](std::vector<std::pair<std::string, std::string>> told) {
    return foretold({.principal = arn_of, .action = "kms:CreateKey", .context = std::move(told)});
  };
  const std::string denied = "400 AccessDeniedException: User: " + arn_of +
                             " is not authorized to perform: kms:CreateKey on resource: * ";
  EXPECT_EQ(decision({}), "200");
  EXPECT_EQ(decision({{"kms:KeySpec", "RSA_4096"}}),
            denied + "with an explicit deny in an identity-based policy");
  EXPECT_EQ(decision({{"kms:KeyOrigin", "EXTERNAL"}}),
            denied + "because no identity-based policy allows the kms:CreateKey action");
  kms().config().principals.pop_back();
}

TEST_F(Explain, TellsWhatIsWrongWithTheQuestion) {
  EXPECT_EQ(fault({.principal = "arn:aws:iam::123456789012:user/eve", .action = "kms:Encrypt"}),
            "no such user, role or root: arn:aws:iam::123456789012:user/eve");
  EXPECT_EQ(fault({.principal = kAlice, .action = "kms:Encrypt", .key = "nonsense"}),
            "Invalid keyId 'nonsense'");
  EXPECT_EQ(fault({.principal = kAlice,
                   .action = "kms:Encrypt",
                   .key = "00000000-0000-0000-0000-000000000000"}),
            "no such key: arn:aws:kms:us-east-1:123456789012:key/"
            "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(fault({.principal = kAlice, .action = "kms:Encrypt", .policy = R"({"Statement":{}})"}),
            "the policy: Statement: Missing required field Effect");
}

std::string parsed(std::vector<const char*> words) {
  try {
    const auto options = parse_explain(words);
    if (!options) return "no command line";
    std::string text = options->config + " " + options->principal + " " + options->action + " " +
                       options->key + " " + options->region + " " + options->policy.value_or("-");
    for (const auto& [name, value] : options->context)
      text.append(" ").append(name).append("=").append(value);
    return text;
  } catch (const ExplainFault& e) {
    return e.what();
  }
}

TEST(ExplainCommandLine, IsRead) {
  EXPECT_EQ(
      parsed({"--config", "f", "--context", "a=b=c", "kms:ViaService=d", "--principal", "p",
              "--action", "kms:ReEncryptTo", "--key", "k", "--region", "r", "--context", "e="}),
      "f p kms:ReEncryptTo k r - a=b=c kms:ViaService=d e=");
  const std::vector<const char*> start{"--config", "f", "--principal", "p", "--action"};
  const auto with = [&](std::vector<const char*> more) {
    more.insert(more.begin(), start.begin(), start.end());
    return parsed(std::move(more));
  };
  EXPECT_EQ(with({"kms:ListKeys"}), "f p kms:ListKeys   -");
  EXPECT_EQ(with({"kms:Decrypt"}), "kms:Decrypt needs --key");
  EXPECT_EQ(with({"kms:ListKeys", "--key", "k"}), "kms:ListKeys is not about a key");
  EXPECT_EQ(with({"kms:ReEncrypt", "--key", "k"}), "no such action: kms:ReEncrypt");
  EXPECT_EQ(with({"Decrypt", "--key", "k"}), "no such action: Decrypt");
  EXPECT_EQ(with({"kms:Decrypt", "--key", "k", "--policy", "/absent"}), "/absent: cannot be read");
  EXPECT_EQ(with({"kms:Decrypt", "--key"}), "no command line");
  EXPECT_EQ(with({"kms:Decrypt", "--key", "k", "--key", "l"}), "no command line");
  EXPECT_EQ(with({"kms:Decrypt", "--kee", "k"}), "no command line");
  EXPECT_EQ(with({"kms:Decrypt", "--key", "k", "--context", "pair"}), "no command line");
  EXPECT_EQ(with({"kms:Decrypt", "--key", "k", "--context"}), "no command line");
  EXPECT_EQ(parsed({"--config", "f", "--principal", "p"}), "no command line");
}

}  // namespace
}  // namespace kms::tool
