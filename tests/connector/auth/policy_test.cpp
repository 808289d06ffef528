#include "connector/auth/policy.h"

#include <gtest/gtest.h>

#include <string>

#include "connector/keys/default_policy.h"

namespace kms::auth {
namespace {

struct Refusal {
  std::string where;
  std::string text;
  PolicyError::Fault fault = PolicyError::Fault::malformed;
  bool operator==(const Refusal&) const = default;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.where << ": " << refusal.text
       << (refusal.fault == PolicyError::Fault::invalid_arn ? " (invalid ARN)" : "");
}

Refusal refusal(const std::string& json, PolicyKind kind = PolicyKind::key) {
  try {
    static_cast<void>(parse_policy(json, kind));
    return {.where = "", .text = "accepted"};
  } catch (const PolicyError& error) {
    return {.where = error.where(), .text = error.what(), .fault = error.fault()};
  }
}

/// A key policy of one statement with this in the place of one of its members; "" takes it out.
std::string with(const std::string& member, const std::string& instead) {
  std::string json = R"({"Statement":[{)";
  for (const auto& [name, text] :
       {std::pair<std::string, std::string>{"Effect", R"("Effect":"Allow")"},
        {"Principal", R"("Principal":"*")"},
        {"Action", R"("Action":"kms:*")"},
        {"Resource", R"("Resource":"*")"}}) {
    const std::string chosen = name == member ? instead : text;
    if (!chosen.empty() && json.back() != '{') json += ",";
    json += chosen;
  }
  return json + "}]}";
}

std::string with_condition(const std::string& condition) {
  return with("Resource", R"("Resource":"*","Condition":)" + condition);
}

constexpr const char* kInvalidPrincipals =
    "Policy contains a statement with one or more invalid principals.";

TEST(PolicyDocument, IsOneJsonObject) {
  EXPECT_EQ(refusal(""), (Refusal{"", "Syntax errors in policy: it is not valid JSON"}));
  EXPECT_EQ(refusal("{"), (Refusal{"", "Syntax errors in policy: it is not valid JSON"}));
  EXPECT_EQ(refusal("{} {}"), (Refusal{"", "Syntax errors in policy: it is not valid JSON"}));
  EXPECT_EQ(refusal("[]"), (Refusal{"", "Syntax errors in policy: it is not a JSON object"}));
  EXPECT_EQ(refusal("\"x\""), (Refusal{"", "Syntax errors in policy: it is not a JSON object"}));
  EXPECT_EQ(refusal(R"({"Statement":[],"Statement":[]})").text,
            "Syntax errors in policy: it is not valid JSON");
}

TEST(PolicyDocument, HasAtLeastOneStatement) {
  EXPECT_EQ(refusal("{}"), (Refusal{"", "Missing required field Statement"}));
  EXPECT_EQ(refusal(R"({"Version":"2012-10-17"})"),
            (Refusal{"", "Missing required field Statement"}));
  for (const char* none : {R"({"Statement":[]})", R"({"Statement":"x"})", R"({"Statement":null})",
                           R"({"Statement":7})"}) {
    EXPECT_EQ(refusal(none),
              (Refusal{"Statement", "Policy document must have at least one statement."}))
        << none;
  }
  EXPECT_EQ(refusal(R"({"Statement":["x"]})"),
            (Refusal{"Statement[0]", "Syntax errors in policy: a statement must be an object"}));
  EXPECT_EQ(refusal(R"({"Statement":{}})").where, "Statement");
}

TEST(PolicyDocument, HasNoOtherMembers) {
  EXPECT_EQ(refusal(R"({"statement":[]})"),
            (Refusal{"statement", "Syntax errors in policy: unknown field statement"}));
  EXPECT_EQ(refusal(R"({"Version":"2012-10-18"})"),
            (Refusal{"Version", "Invalid policy version: it must be 2012-10-17 or 2008-10-17"}));
  EXPECT_EQ(refusal(R"({"Version":2012})").where, "Version");
  EXPECT_EQ(refusal(R"({"Id":1})"),
            (Refusal{"Id", "Syntax errors in policy: Id must be a string"}));
  EXPECT_EQ(refusal(with("Effect", R"("Effect":"Allow","effect":"Deny")")),
            (Refusal{"Statement[0].effect", "Syntax errors in policy: unknown field effect"}));
  EXPECT_EQ(refusal(with("Effect", R"("Effect":"Allow","Sid":1)")),
            (Refusal{"Statement[0].Sid", "Syntax errors in policy: Sid must be a string"}));
}

TEST(PolicyDocument, NamesTheStatementThatIsWrong) {
  EXPECT_EQ(refusal(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},
                                     {"Effect":"Allow","Principal":"*","Action":"*"}]})"),
            (Refusal{"Statement[1]", "Missing required field Resource"}));
}

TEST(PolicyStatement, HasAnEffect) {
  EXPECT_EQ(refusal(with("Effect", "")),
            (Refusal{"Statement[0]", "Missing required field Effect"}));
  for (const char* effect :
       {R"("Effect":"allow")", R"("Effect":"")", R"("Effect":true)", R"("Effect":["Allow"])"}) {
    EXPECT_EQ(refusal(with("Effect", effect)),
              (Refusal{"Statement[0].Effect", "Invalid effect: it must be Allow or Deny"}))
        << effect;
  }
}

TEST(PolicyStatement, HasActions) {
  EXPECT_EQ(refusal(with("Action", "")),
            (Refusal{"Statement[0]", "Missing required field Action"}));
  EXPECT_EQ(refusal(with("Action", R"("Action":[])")),
            (Refusal{"Statement[0]", "Missing required field Action"}));
  EXPECT_EQ(refusal(with("Action", R"("Action":"*","NotAction":"*")")),
            (Refusal{"Statement[0].NotAction", "A statement has either Action or NotAction."}));
  for (const char* action : {"Encrypt", "", ":Encrypt", "kms:", "kms:En crypt", "kms:a:b"}) {
    EXPECT_EQ(
        refusal(with("Action", R"("Action":["kms:*",")" + std::string(action) + "\"]")),
        (Refusal{"Statement[0].Action",
                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: " +
                     std::string(action)}));
  }
  for (const char* action : {R"("Action":7)", R"("Action":{})", R"("Action":true)"}) {
    EXPECT_EQ(refusal(with("Action", action)),
              (Refusal{"Statement[0].Action",
                       "Syntax errors in policy: expected a string or a list of strings"}));
  }
  EXPECT_EQ(refusal(with("Action", R"("Action":["kms:*",7])")).where, "Statement[0].Action[1]");
  EXPECT_EQ(refusal(with("Action", R"("NotAction":["kms:*","s3:Get?"])")).text, "accepted");
}

TEST(PolicyStatement, HasResources) {
  EXPECT_EQ(refusal(with("Resource", "")),
            (Refusal{"Statement[0]", "Missing required field Resource"}));
  EXPECT_EQ(refusal(with("Resource", R"("Resource":[])")),
            (Refusal{"Statement[0]", "Missing required field Resource"}));
  EXPECT_EQ(
      refusal(with("Resource", R"("Resource":"*","NotResource":"*")")),
      (Refusal{"Statement[0].NotResource", "A statement has either Resource or NotResource."}));
  EXPECT_EQ(refusal(with("Resource", R"("Resource":"my key")")),
            (Refusal{"Statement[0].Resource", "Resource my key must be in ARN format or \"*\"."}));
  EXPECT_EQ(refusal(with("Resource", R"("NotResource":["*","arn:aws:kms:*:*:key/*"])")).text,
            "accepted");
}

TEST(PolicyStatement, OfAKeyHasPrincipals) {
  EXPECT_EQ(refusal(with("Principal", "")),
            (Refusal{"Statement[0]", "Policy contains a statement with no principal."}));
  EXPECT_EQ(
      refusal(with("Principal", R"("Principal":"*","NotPrincipal":"*")")),
      (Refusal{"Statement[0].NotPrincipal", "A statement has either Principal or NotPrincipal."}));
  for (const char* principal : {R"("")", R"("alice")", R"({})", R"([])", R"(null)", R"({"AWS":[]})",
                                R"(["*"])", R"("arn:aws:iam::123456789012:user/alice")"}) {
    EXPECT_EQ(refusal(with("Principal", R"("Principal":)" + std::string(principal))),
              (Refusal{"Statement[0].Principal", kInvalidPrincipals}))
        << principal;
  }
  for (const char* name : {"", "alice", "12345678901", "1234567890123", "AKIAEXAMPLE", "**",
                           "user/*", "arn:aws:kms:us-east-1:123456789012:key/k",
                           "arn:aws:s3:::bucket", "arn:aws:ec2::123456789012:root"}) {
    EXPECT_EQ(refusal(with("Principal", R"("Principal":{"AWS":")" + std::string(name) + "\"}")),
              (Refusal{"Statement[0].Principal.AWS", kInvalidPrincipals}))
        << name;
  }
  EXPECT_EQ(refusal(with("Principal", R"("Principal":{"aws":"*"})")),
            (Refusal{"Statement[0].Principal.aws", kInvalidPrincipals}));
  EXPECT_EQ(refusal(with("Principal", R"("Principal":{"AWS":7})")).where,
            "Statement[0].Principal.AWS");
}

TEST(PolicyStatement, HasArnsOfPrincipalsOnly) {
  for (const char* arn :
       {"arn:aws:iam:::root", "arn:aws:iam::123456789012:group/admins",
        "arn:aws:iam::123456789012:user/", "arn:aws:iam::12345678901x:root",
        "arn:aws:iam:us-east-1:123456789012:root", "arn:", "arn:aws", "arn:aws:iam",
        "arn:aws:iam::*:root", "arn:aws:iam::123456789012:", "arn:aws:sts::123456789012:role/app",
        "arn:aws:iam::123456789012:assumed-role/app/s"}) {
    EXPECT_EQ(
        refusal(with("Principal", R"("Principal":{"AWS":["*",")" + std::string(arn) + "\"]}")),
        (Refusal{"Statement[0].Principal.AWS", "An ARN in the specified key policy is invalid.",
                 PolicyError::Fault::invalid_arn}))
        << arn;
  }
  for (const char* name :
       {"*", "123456789012", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/a/b",
        "arn:aws:iam::123456789012:role/app", "arn:aws:sts::123456789012:assumed-role/app/s",
        "arn:aws:sts::123456789012:federated-user/f", "arn:aws-cn:iam::123456789012:root"}) {
    EXPECT_EQ(
        refusal(with("Principal", R"("Principal":{"AWS":")" + std::string(name) + "\"}")).text,
        "accepted")
        << name;
  }
  EXPECT_EQ(refusal(with("Principal", R"("Principal":{"Service":"sns.amazonaws.com"})")).text,
            "accepted");
}

TEST(PolicyStatement, OfAnIdentityHasNoPrincipal) {
  EXPECT_EQ(refusal(with("", ""), PolicyKind::identity),
            (Refusal{"Statement[0].Principal", "Policy document should not specify a principal."}));
  EXPECT_EQ(refusal(with("Principal", R"("NotPrincipal":"*")"), PolicyKind::identity).where,
            "Statement[0].NotPrincipal");
  EXPECT_EQ(refusal(with("Principal", ""), PolicyKind::identity).text, "accepted");
}

TEST(PolicyStatement, OfAnIdentityHasIncompleteArnsCompleted) {
  const auto patterns = [](const std::string& resource) {
    return parse_policy(
               R"({"Statement":{"Effect":"Deny","Action":"*","Resource":")" + resource + R"("}})",
               PolicyKind::identity)
        .statements[0]
        .resources->patterns;
  };
  using Patterns = std::vector<std::string>;
  EXPECT_EQ(patterns("*"), Patterns{"*"});
  EXPECT_EQ(patterns("arn:aws:kms:*:*:key/*"), Patterns{"arn:aws:kms:*:*:key/*"});
  EXPECT_EQ(patterns("arn:aws:kms:::"), Patterns{"arn:aws:kms:::"});
  EXPECT_EQ(patterns("arn:aws:kms"), (Patterns{"arn:aws:kms", "arn:aws:kms:*:*:*"}));
  EXPECT_EQ(patterns("arn:aws:kms:us-*"), (Patterns{"arn:aws:kms:us-*", "arn:aws:kms:us-*:*:*"}));
  EXPECT_EQ(patterns("arn:aws:kms:us-east-1:${aws:PrincipalAccount}"),
            (Patterns{"arn:aws:kms:us-east-1:${aws:PrincipalAccount}",
                      "arn:aws:kms:us-east-1:${aws:PrincipalAccount}:*"}));
}

TEST(PolicyStatement, OfASessionHasNoPrincipalAndOnlyCompleteArns) {
  EXPECT_EQ(refusal(with("", ""), PolicyKind::session).where, "Statement[0].Principal");
  EXPECT_EQ(refusal(with("Principal", ""), PolicyKind::session).text, "accepted");
  EXPECT_EQ(
      refusal(R"({"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:kms"}})",
              PolicyKind::session),
      (Refusal{"Statement.Resource", "Resource arn:aws:kms must be in ARN format or \"*\"."}));
}

TEST(PolicyStatement, OfARoleNamesNobodyByWildcards) {
  for (const char* const name :
       {"arn:aws:iam::123456789012:user/*", "arn:aws:sts::123456789012:assumed-role/app/s?"}) {
    EXPECT_EQ(refusal(R"({"Statement":{"Effect":"Deny","Action":"sts:AssumeRole","Principal":
                         {"AWS":[")" +
                          std::string(name) + R"("]}}})",
                      PolicyKind::trust),
              (Refusal{"Statement.Principal.AWS", kInvalidPrincipals}));
  }
}

TEST(PolicyStatement, OfARoleHasNoResource) {
  EXPECT_EQ(refusal(with("", ""), PolicyKind::trust),
            (Refusal{"Statement[0].Resource", "Has prohibited field Resource."}));
  EXPECT_EQ(refusal(with("Resource", ""), PolicyKind::trust).text, "accepted");
  EXPECT_EQ(
      refusal(R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})", PolicyKind::trust),
      (Refusal{"Statement", "Policy contains a statement with no principal."}));
}

TEST(PolicyCondition, NamesAnOperatorAKeyAndFittingValues) {
  EXPECT_EQ(
      refusal(with_condition("[]")),
      (Refusal{"Statement[0].Condition", "Syntax errors in policy: Condition must be an object"}));
  EXPECT_EQ(
      refusal(with_condition(R"({"StringEqual":{"aws:username":"x"}})")),
      (Refusal{"Statement[0].Condition.StringEqual", "Invalid Condition type : StringEqual."}));
  EXPECT_EQ(refusal(with_condition(R"({"StringEquals":"x"})")),
            (Refusal{"Statement[0].Condition.StringEquals",
                     "Syntax errors in policy: expected condition keys"}));
  EXPECT_EQ(
      refusal(with_condition(R"({"StringEquals":{"username":"x"}})")),
      (Refusal{
          "Statement[0].Condition.StringEquals.username",
          "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: username"}));
  EXPECT_EQ(
      refusal(with_condition(R"({"StringEquals":{"aws:username":[]}})")),
      (Refusal{"Statement[0].Condition.StringEquals.aws:username", "A condition has no values."}));
  EXPECT_EQ(refusal(with_condition(R"({"StringEquals":{"aws:username":["x",null]}})")),
            (Refusal{"Statement[0].Condition.StringEquals.aws:username[1]",
                     "Syntax errors in policy: expected a string or a list of strings"}));
  EXPECT_EQ(refusal(with_condition(R"({"NumericEquals":{"aws:x":["1","one"]}})")),
            (Refusal{"Statement[0].Condition.NumericEquals.aws:x",
                     "Invalid value for the condition operator NumericEquals: one"}));
  EXPECT_EQ(refusal(with_condition(R"({"NumericEquals":{"aws:x":"nan"}})")).text,
            "Invalid value for the condition operator NumericEquals: nan");
}

TEST(PolicyCondition, TakesNumbersAndTruthValuesForTheirTexts) {
  const Policy policy =
      parse_policy(with_condition(R"({"Bool":{"aws:SecureTransport":true},"NumericEquals":{"aws:x":
          [1,-2,1.5,1e5,-0.25,18446744073709551615,9223372036854775808]}})"),
                   PolicyKind::key);
  ASSERT_EQ(policy.statements[0].conditions.size(), 2U);
  EXPECT_EQ(policy.statements[0].conditions[0].values, std::vector<std::string>{"true"});
  EXPECT_EQ(policy.statements[0].conditions[1].values,
            (std::vector<std::string>{"1", "-2", "1.5", "100000", "-0.25", "18446744073709551615",
                                      "9223372036854775808"}));
  for (const char* const extreme :
       {"1.7976931348623157e308", "5e-324", "-2.2250738585072014e-308"}) {
    const std::string conditions = R"({"NumericEquals":{"aws:x":)" + std::string(extreme) + "}}";
    EXPECT_EQ(refusal(with_condition(conditions)).text, "accepted") << extreme;
  }
}

TEST(PolicyCondition, WithForAllValuesMayNotBeOverlyPermissive) {
  constexpr const char* kText =
      "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued "
      "condition key matches requests "
      "without the specified [encryption context or tag] or with an unspecified [encryption "
      "context "
      "or tag]. To fix, remove ForAllValues.";
  EXPECT_EQ(refusal(with_condition(
                R"({"ForAllValues:StringEquals":{"kms:EncryptionContext:Dept":"x"}})")),
            (Refusal{"Statement[0].Condition.ForAllValues:StringEquals.kms:EncryptionContext:Dept",
                     kText}));
  EXPECT_EQ(
      refusal(with_condition(R"({"ForAllValues:StringLike":{"AWS:requesttag/Dept":"x"}})")).text,
      kText);
  EXPECT_EQ(
      refusal(with_condition(R"({"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":"x"}})"))
          .text,
      "accepted");
  EXPECT_EQ(
      refusal(with_condition(R"({"ForAnyValue:StringEquals":{"kms:EncryptionContext:D":"x"}})"))
          .text,
      "accepted");
  EXPECT_EQ(refusal(R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":
                       {"ForAllValues:StringEquals":{"kms:EncryptionContext:Dept":"x"}}}})",
                    PolicyKind::identity)
                .text,
            "accepted");
}

TEST(PolicyDocument, BecomesValues) {
  const Policy policy = parse_policy(R"({"Version":"2012-10-17","Id":"i","Statement":{"Sid":"a b",
      "Effect":"Deny","NotPrincipal":{"AWS":["123456789012","*"],"Service":"s3.amazonaws.com"},
      "NotAction":["kms:Encrypt"],"NotResource":"arn:aws:kms:*:*:key/*",
      "Condition":{"ForAnyValue:StringNotLikeIfExists":{"aws:TagKeys":["a","b"]}}}})",
                                     PolicyKind::key);
  EXPECT_EQ(policy.version, "2012-10-17");
  EXPECT_EQ(policy.id, "i");
  ASSERT_EQ(policy.statements.size(), 1U);
  const Statement& statement = policy.statements[0];
  EXPECT_EQ(statement.sid, "a b");
  EXPECT_FALSE(statement.allow);
  EXPECT_TRUE(statement.variables);
  ASSERT_TRUE(statement.principals);
  EXPECT_TRUE(statement.principals->inverted);
  EXPECT_EQ(statement.principals->aws, (std::vector<std::string>{"123456789012", "*"}));
  EXPECT_EQ(statement.principals->others,
            (std::vector<std::pair<std::string, std::string>>{{"Service", "s3.amazonaws.com"}}));
  EXPECT_EQ(statement.actions, (PatternSet{true, {"kms:Encrypt"}}));
  EXPECT_EQ(statement.resources, (PatternSet{true, {"arn:aws:kms:*:*:key/*"}}));
  ASSERT_EQ(statement.conditions.size(), 1U);
  const Condition& condition = statement.conditions[0];
  EXPECT_EQ(condition.operator_name, "ForAnyValue:StringNotLikeIfExists");
  EXPECT_EQ(condition.comparison, Comparison::string_like);
  EXPECT_TRUE(condition.negated);
  EXPECT_TRUE(condition.if_exists);
  EXPECT_EQ(condition.quantifier, Quantifier::for_any_value);
  EXPECT_EQ(condition.key.written(), "aws:TagKeys");
  EXPECT_EQ(condition.values, (std::vector<std::string>{"a", "b"}));
}

TEST(PolicyDocument, HasVariablesSince2012Only) {
  const std::string statement = R"("Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
  const auto variables = [](const std::string& json) {
    return parse_policy(json, PolicyKind::identity).statements[0].variables;
  };
  EXPECT_TRUE(variables(R"({"Version":"2012-10-17",)" + statement));
  EXPECT_TRUE(
      variables("{" + statement.substr(0, statement.size() - 1) + R"(,"Version":"2012-10-17"})"));
  EXPECT_FALSE(variables(R"({"Version":"2008-10-17",)" + statement));
  EXPECT_FALSE(variables("{" + statement));
}

TEST(PolicyText, OfTheDefaultPolicyIsTheDefaultPolicy) {
  const std::string text = keys::default_policy("123456789012");
  EXPECT_EQ(to_text(parse_policy(text, PolicyKind::key)), text);
}

TEST(PolicyText, IsPrintedAsKmsPrintsIt) {
  EXPECT_EQ(
      to_text(parse_policy(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":["kms:*"],
      "Resource":"*"},{"Sid":"two \"2\"","Effect":"Deny","NotPrincipal":{"AWS":["123456789012",
      "arn:aws:iam::123456789012:root"],"Service":["a","b"],"Federated":"f"},"Action":["kms:A","kms:B"],
      "NotResource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"StringEquals":{"aws:a":"x",
      "aws:b":["y","z"]}}}],"Version":"2012-10-17"})",
                           PolicyKind::key)),
      R"({
  "Version" : "2012-10-17",
  "Statement" : [ {
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  }, {
    "Sid" : "two \"2\"",
    "Effect" : "Deny",
    "NotPrincipal" : {
      "AWS" : [ "123456789012", "arn:aws:iam::123456789012:root" ],
      "Service" : [ "a", "b" ],
      "Federated" : "f"
    },
    "Action" : [ "kms:A", "kms:B" ],
    "NotResource" : "*",
    "Condition" : {
      "Bool" : {
        "aws:SecureTransport" : "false"
      },
      "StringEquals" : {
        "aws:a" : "x",
        "aws:b" : [ "y", "z" ]
      }
    }
  } ]
})");
}

// Once GetKeyPolicy answered such characters as they are, which PutKeyPolicy refuses.
TEST(PolicyText, EscapesWhatThePolicyMemberMayNotHold) {
  const Policy policy = parse_policy(
      R"({"Id":"\u0009 ~\u00ff\u0100\u20ac\uffff\ud83d\ude00\udbff\udfff","Statement":{"Effect":"Deny",
          "Principal":"*","Action":"*","Resource":"*"}})",
      PolicyKind::key);
  const std::string text = to_text(policy);
  EXPECT_EQ(text.substr(0, text.find(",")),
            "{\n  \"Id\" : \"\\t ~\u00ff\\u0100\\u20ac\\uffff\\ud83d\\ude00\\udbff\\udfff\"");
  EXPECT_EQ(parse_policy(text, PolicyKind::key), policy);
}

TEST(PolicyText, SaysTheSameAsWhatItWasMadeFrom) {
  for (
      const char* json :
      {R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})",
       R"({"Id":"","Statement":{"Sid":"","Effect":"Deny","NotPrincipal":{"AWS":["*"]},"NotAction":["*"],
            "NotResource":["*"],"Condition":{}}})",
       R"({"Version":"2008-10-17","Id":"\u00e9\u0001\"\\","Statement":[{"Effect":"Allow",
            "Principal":{"Service":["a"],"CanonicalUser":[],"AWS":"123456789012"},"Action":["kms:*"],
            "Resource":["arn:aws:kms:*:*:key/*"],"Condition":{"StringEquals":{"aws:a":["1"]},
            "StringLike":{"aws:a":"${aws:username}*","aws:b":7},"Null":{}}}]})"}) {
    const Policy policy = parse_policy(json, PolicyKind::key);
    const std::string text = to_text(policy);
    EXPECT_EQ(parse_policy(text, PolicyKind::key), policy) << text;
    EXPECT_EQ(to_text(parse_policy(text, PolicyKind::key)), text);
  }
}

}  // namespace
}  // namespace kms::auth
