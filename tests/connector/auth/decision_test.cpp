#include "connector/auth/decision.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "connector/api/error.h"
#include "connector/auth/authorizer.h"
#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace kms::auth {
namespace {

constexpr const char* kAccount = "111111111111";
constexpr const char* kOther = "222222222222";
constexpr const char* kKeyArn =
    "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
constexpr const char* kAlice = "arn:aws:iam::111111111111:user/alice";
constexpr const char* kRole = "arn:aws:iam::111111111111:role/path/app";
constexpr const char* kSession = "arn:aws:sts::111111111111:assumed-role/app/s1";
constexpr const char* kRoot = "arn:aws:iam::111111111111:root";
constexpr const char* kCarol = "arn:aws:iam::222222222222:user/carol";

/// One statement of a policy; `rest` may hold a Condition.
std::string statement(bool allow, const std::string& principal, const std::string& action,
                      const std::string& rest = R"("Resource":"*")") {
  std::string text = allow ? R"({"Effect":"Allow")" : R"({"Effect":"Deny")";
  if (!principal.empty()) text += R"(,"Principal":{"AWS":")" + principal + "\"}";
  return text + R"(,"Action":")" + action + "\"," + rest + "}";
}
std::string allow(const std::string& principal, const std::string& action) {
  return statement(true, principal, action);
}
std::string deny(const std::string& principal, const std::string& action) {
  return statement(false, principal, action);
}
std::string own_allow(const std::string& action) { return statement(true, "", action); }
std::string own_deny(const std::string& action) { return statement(false, "", action); }

Policy policy(PolicyKind kind, const std::string& statements) {
  return parse_policy(R"({"Version":"2012-10-17","Statement":[)" + statements + "]}", kind);
}
NamedPolicy own(const std::string& statements) {
  return {.name = "own", .policy = policy(PolicyKind::identity, statements)};
}

/// Who asks, with the policies of its own.
struct Who {
  std::string arn = kAlice;
  std::string identity;  // statements; empty: no policy
  std::string boundary;
  std::string session;

  [[nodiscard]] Caller caller() const {
    auto principal = std::make_shared<Principal>();
    const bool is_session = arn == kSession;
    principal->arn = is_session ? kRole : arn;
    principal->account = arn.substr(13, 12);
    principal->name = principal->arn.substr(principal->arn.rfind('/') + 1);
    principal->type = is_session              ? Principal::Type::role
                      : arn.ends_with("root") ? Principal::Type::root
                                              : Principal::Type::user;
    principal->unique_id = (is_session ? "AROA" : "AIDA") + principal->name;
    if (!identity.empty()) principal->policies = {own(identity)};
    if (!boundary.empty()) principal->boundary = own(boundary);
    auto temporary = is_session ? std::make_shared<Session>() : nullptr;
    if (is_session) {
      temporary->name = arn.substr(arn.rfind('/') + 1);
      if (!session.empty()) temporary->policies = {own(session)};
    }
    return make_caller(principal, temporary, "");
  }
};

struct Grant {
  std::string grantee = kAlice;
  std::vector<api::GrantOperation> operations = {api::GrantOperation::encrypt};
  api::GrantConstraints constraints{};
  std::string retiring{};
  std::string issuing_account = kAccount;

  [[nodiscard]] keys::GrantPtr record() const {
    keys::GrantRecord record;
    record.id = std::string(64, 'a');
    record.name = "name";
    record.grantee_principal = grantee;
    record.retiring_principal = retiring;
    record.issuing_account = issuing_account;
    record.operations = operations;
    record.constraints = constraints;
    return std::make_shared<const keys::GrantRecord>(record);
  }
};

keys::KeyRecord the_key() {
  keys::KeyRecord key;
  key.scope = {.account = kAccount, .region = "us-east-1"};
  key.id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  return key;
}

Decision ask(const Who& who, const std::string& key_policy, const RequestContext& context = {},
             std::string_view action = "Encrypt", const std::vector<Grant>& grants = {}) {
  const Caller caller = who.caller();
  const keys::KeyRecord key = the_key();
  const Policy parsed = policy(PolicyKind::key, key_policy);
  const auto find_grant = [&](const KeyQuestion::Predicate& allows) -> keys::GrantPtr {
    for (const Grant& one : grants) {
      if (keys::GrantPtr record = one.record(); allows(*record)) return record;
    }
    return nullptr;
  };
  return decide({.caller = caller,
                 .action = {action},
                 .key = key,
                 .key_policy = parsed,
                 .find_grant = find_grant,
                 .context = context});
}

/// What the caller is told; "" if allowed.
std::string told(const Who& who, const std::string& key_policy,
                 std::string_view action = "Encrypt") {
  const kms::test::TempDir directory("decision");
  const auto store = storage::open_sqlite((directory.path() / "kms.db").string());
  auto key = std::make_shared<keys::KeyRecord>(the_key());
  key->policy = to_text(policy(PolicyKind::key, key_policy));
  Decision decision;
  try {
    static_cast<void>(Authorizer(*store).authorize(who.caller(), {action}, key, {}, decision));
    return "";
  } catch (const api::Error& error) {
    EXPECT_EQ(error.code(), api::ErrorCode::access_denied);
    return error.message().value_or("");
  }
}

const std::string kDelegation = allow(kRoot, "kms:*");

TEST(Match, IsByArnUniqueIdOrAccount) {
  const auto named = [](const std::string& name, const std::string& arn) {
    return match(name, Who{.arn = arn}.caller());
  };
  for (const char* const alice : {kAlice, "AIDAalice"})
    EXPECT_EQ(named(alice, kAlice), Named::caller);
  for (const char* const session : {kSession, "AROAapp:s1"}) {
    EXPECT_EQ(named(session, kSession), Named::caller) << session;
  }
  for (const char* const role : {kRole, "AROAapp"}) {
    EXPECT_EQ(named(role, kSession), Named::role) << role;
  }
  for (const char* const arn : {kAlice, kSession, kRoot, kCarol}) {
    EXPECT_EQ(named("*", arn), Named::caller) << arn;
  }
  EXPECT_EQ(named(kRoot, kRoot), Named::caller);
  for (const char* const account : {kRoot, "111111111111"}) {
    EXPECT_EQ(named(account, kAlice), Named::account) << account;
    EXPECT_EQ(named(account, kSession), Named::account) << account;
  }
  for (const char* const other :
       {"", "AIDAcarol", "AROAapp", "AROAapp:s2", "arn:aws:iam::111111111111:user/al",
        "222222222222", "arn:aws:sts::111111111111:assumed-role/app/s2",
        "arn:aws:iam::111111111111:role/x/app"}) {
    EXPECT_EQ(named(other, kAlice), Named::nobody) << other;
    if (std::string_view(other) != "AROAapp") {
      EXPECT_EQ(named(other, kSession), Named::nobody) << other;
    }
  }
}

TEST(Refusal, SaysWhatDenied) {
  const std::string user = "User: " + std::string(kAlice) + " is not authorized to perform: ";
  const std::string encrypt = user + "kms:Encrypt on resource: " + kKeyArn + " ";
  EXPECT_EQ(told({}, kDelegation),
            encrypt + "because no identity-based policy allows the kms:Encrypt action");
  EXPECT_EQ(told({.identity = own_allow("*")}, allow("arn:aws:iam::111111111111:user/bob", "*")),
            encrypt + "because no resource-based policy allows the kms:Encrypt action");
  EXPECT_EQ(told({.identity = own_allow("*")}, kDelegation + "," + deny("*", "kms:Encrypt")),
            encrypt + "with an explicit deny in a resource-based policy");
  EXPECT_EQ(told({.identity = own_deny("kms:*")}, allow(kAlice, "*")),
            encrypt + "with an explicit deny in an identity-based policy");
  EXPECT_EQ(told({.identity = own_allow("*"), .boundary = own_allow("s3:*")}, kDelegation),
            encrypt + "because no permissions boundary allows the kms:Encrypt action");
  EXPECT_EQ(told({.identity = own_allow("*"), .boundary = own_deny("*")}, kDelegation),
            encrypt + "with an explicit deny in a permissions boundary");
  const std::string session = "User: " + std::string(kSession) +
                              " is not authorized to perform: kms:Encrypt on resource: " + kKeyArn +
                              " ";
  EXPECT_EQ(told({.arn = kSession, .identity = own_allow("*"), .session = own_allow("s3:*")},
                 kDelegation),
            session + "because no session policy allows the kms:Encrypt action");
  EXPECT_EQ(
      told({.arn = kSession, .identity = own_allow("*"), .session = own_deny("*")}, kDelegation),
      session + "with an explicit deny in a session policy");
  EXPECT_EQ(
      told({.arn = kCarol}, kDelegation),
      "User: " + std::string(kCarol) +
          " is not authorized to perform: kms:Encrypt on this resource because the resource does "
          "not exist in this Region, no resource-based policies allow access, or a resource-based "
          "policy explicitly denies access");
}

TEST(KeyPolicy, AllowsThePrincipalItself) {
  const Decision decision = ask({}, allow(kAlice, "kms:Encrypt"));
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.reason, Reason::key_policy);
  EXPECT_EQ(decision.policy, "key policy");
  EXPECT_FALSE(ask({}, allow("arn:aws:iam::111111111111:user/bob", "kms:Encrypt")).allowed);
  EXPECT_FALSE(ask({}, allow("arn:aws:iam::222222222222:user/alice", "kms:Encrypt")).allowed);
  EXPECT_FALSE(ask({}, allow("arn:aws:iam::111111111111:user/Alice", "kms:Encrypt")).allowed);
  EXPECT_TRUE(ask({}, allow("*", "kms:Encrypt")).allowed);
}

TEST(KeyPolicy, DelegatesToTheIdentityPoliciesOfItsAccount) {
  for (const char* account : {kRoot, kAccount}) {
    EXPECT_EQ(ask({}, allow(account, "kms:*")).reason, Reason::no_identity_policy) << account;
    const Decision decision = ask({.identity = own_allow("kms:Encrypt")}, allow(account, "kms:*"));
    EXPECT_TRUE(decision.allowed) << account;
    EXPECT_EQ(decision.reason, Reason::identity_policy);
    EXPECT_EQ(decision.policy, "own");
    EXPECT_FALSE(ask({.identity = own_allow("kms:Decrypt")}, allow(account, "kms:*")).allowed);
    EXPECT_FALSE(ask({.identity = own_allow("kms:*")}, allow(account, "kms:Decrypt")).allowed);
  }
  // Identity policies are of no effect where it does not.
  const std::string elsewhere = allow("arn:aws:iam::111111111111:user/bob", "kms:*");
  EXPECT_EQ(ask({.identity = own_allow("*")}, elsewhere).reason, Reason::no_key_policy);
  EXPECT_FALSE(ask({.identity = own_allow("*")}, allow(kOther, "*")).allowed);
}

TEST(KeyPolicy, PrefersTheStatementThatNamesTheCaller) {
  EXPECT_EQ(ask({}, kDelegation + "," + allow(kAlice, "*")).reason, Reason::key_policy);
  EXPECT_EQ(ask({}, allow(kAlice, "*") + "," + kDelegation).reason, Reason::key_policy);
}

TEST(KeyPolicy, PrefersTheStatementWithoutConditions) {
  const auto named = [](const std::string& sid, const std::string& principal,
                        const std::string& condition) {
    return statement(true, principal, "*", R"("Resource":"*","Sid":")" + sid + "\"" + condition);
  };
  const std::string holds = R"(,"Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"}})";
  const std::string fails = R"(,"Condition":{"StringEquals":{"kms:CallerAccount":"222222222222"}})";
  const auto decided_by = [&](const std::string& statements) {
    const Decision decision = ask({}, statements);
    return decision.allowed ? decision.statement : "refused";
  };
  const std::string plain = named("plain", kAlice, "");
  EXPECT_EQ(decided_by(named("one", kAlice, holds) + "," + plain), "plain");
  EXPECT_EQ(decided_by(named("one", kAlice, fails) + "," + plain), "plain");
  EXPECT_EQ(decided_by(named("one", kAlice, holds) + "," + named("two", kAlice, holds)), "one");
  EXPECT_EQ(decided_by(named("one", kAlice, fails) + "," + named("two", kAlice, holds)), "two");
  // One that names the caller more closely is looked at all the same.
  EXPECT_EQ(decided_by(named("root", kRoot, "") + "," + named("one", kAlice, holds)), "one");
  EXPECT_EQ(decided_by(named("root", kRoot, "") + "," + named("one", kAlice, fails)), "refused");
}

TEST(ExplicitDeny, OutweighsEveryAllowWhereverItIs) {
  const std::string all = allow("*", "*");
  const std::vector<Grant> grants{{}};
  const auto reason = [&](const Who& who, const std::string& key_policy) {
    const Decision decision = ask(who, key_policy, {}, "Encrypt", grants);
    EXPECT_FALSE(decision.allowed);
    return decision.reason;
  };
  const std::string every = own_allow("*");
  EXPECT_EQ(reason({.identity = every}, all + "," + deny(kAlice, "kms:Encrypt")),
            Reason::deny_in_key_policy);
  EXPECT_EQ(reason({.identity = every}, deny(kAccount, "kms:*") + "," + all),
            Reason::deny_in_key_policy);
  EXPECT_EQ(reason({.identity = every + "," + own_deny("kms:E*")}, all),
            Reason::deny_in_identity_policy);
  EXPECT_EQ(reason({.identity = every, .boundary = every + "," + own_deny("*")}, all),
            Reason::deny_in_boundary);
  EXPECT_EQ(
      reason({.arn = kSession, .identity = every, .session = every + "," + own_deny("*")}, all),
      Reason::deny_in_session_policy);
  EXPECT_EQ(reason({.arn = kSession}, all + "," + deny(kRole, "*")), Reason::deny_in_key_policy);
  EXPECT_EQ(reason({.arn = kRoot}, all + "," + deny(kRoot, "*")), Reason::deny_in_key_policy);
  // One that does not apply does not count.
  EXPECT_TRUE(
      ask({.identity = own_deny("kms:Decrypt")}, all + "," + deny("*", "kms:Decrypt")).allowed);
  EXPECT_TRUE(ask({}, all + "," + deny("arn:aws:iam::111111111111:user/bob", "*")).allowed);
}

TEST(Boundary, LimitsWhatIdentityPoliciesAllow) {
  EXPECT_EQ(ask({.identity = own_allow("*"), .boundary = own_allow("s3:*")}, kDelegation).reason,
            Reason::no_boundary);
  EXPECT_TRUE(
      ask({.identity = own_allow("*"), .boundary = own_allow("kms:*")}, kDelegation).allowed);
  EXPECT_EQ(ask({.boundary = own_allow("kms:*")}, kDelegation).reason, Reason::no_identity_policy);
  // Not what the key policy allows the user itself.
  EXPECT_TRUE(ask({.boundary = own_allow("s3:*")}, allow(kAlice, "*")).allowed);
}

TEST(SessionPolicy, LimitsTheRoleButNotTheSessionItself) {
  const Who limited{.arn = kSession, .identity = own_allow("*"), .session = own_allow("s3:*")};
  EXPECT_EQ(ask(limited, kDelegation).reason, Reason::no_session_policy);
  EXPECT_EQ(ask(limited, allow(kRole, "*")).reason, Reason::no_session_policy);
  EXPECT_TRUE(ask(limited, allow(kSession, "*")).allowed);
  const Who bounded{.arn = kSession, .identity = own_allow("*"), .boundary = own_allow("s3:*")};
  EXPECT_EQ(ask(bounded, allow(kRole, "*")).reason, Reason::no_boundary);
  EXPECT_TRUE(ask(bounded, allow(kSession, "*")).allowed);
}

// IAM User Guide, "IAM role principals". Once "*" was taken for the role.
TEST(Everybody, IsNotLimitedByBoundaryAndSessionPolicies) {
  const Who limited{.arn = kSession, .boundary = own_allow("s3:*"), .session = own_allow("s3:*")};
  EXPECT_EQ(ask(limited, allow("*", "*")).reason, Reason::key_policy);
  EXPECT_EQ(ask({.boundary = own_allow("s3:*")}, allow("*", "*")).reason, Reason::key_policy);
  const Who denied{.arn = kSession, .session = own_allow("*") + "," + own_deny("kms:Encrypt")};
  EXPECT_EQ(ask(denied, allow("*", "*")).reason, Reason::deny_in_session_policy);
}

TEST(RoleSession, IsNamedByItsRoleOrItself) {
  EXPECT_TRUE(ask({.arn = kSession}, allow(kRole, "*")).allowed);
  EXPECT_TRUE(ask({.arn = kSession}, allow(kSession, "*")).allowed);
  EXPECT_FALSE(
      ask({.arn = kSession}, allow("arn:aws:sts::111111111111:assumed-role/app/s2", "*")).allowed);
  EXPECT_FALSE(ask({.arn = kSession}, allow("arn:aws:iam::111111111111:role/app", "*")).allowed);
  EXPECT_TRUE(ask({.arn = kSession, .identity = own_allow("*")}, kDelegation).allowed);
}

TEST(Root, NeedsTheKeyPolicyLikeEverybody) {
  EXPECT_TRUE(ask({.arn = kRoot}, kDelegation).allowed);
  EXPECT_TRUE(ask({.arn = kRoot}, allow(kAccount, "*")).allowed);
  EXPECT_EQ(ask({.arn = kRoot}, allow(kAlice, "*")).reason, Reason::no_key_policy);
  EXPECT_FALSE(ask({.arn = kRoot}, allow(kRoot, "kms:Decrypt")).allowed);
}

std::string inverted(bool allows, const std::string& principals, const std::string& actions,
                     const std::string& resources) {
  return std::string(allows ? R"({"Effect":"Allow",)" : R"({"Effect":"Deny",)") + principals + "," +
         actions + "," + resources + "}";
}
constexpr const char* kEverybody = R"("Principal":"*")";
constexpr const char* kEverything = R"("Action":"*")";
constexpr const char* kEverywhere = R"("Resource":"*")";

TEST(NotPrincipal, OfAnAllowLeavesOutWhoeverIsNamedInAnyWay) {
  const auto but = [](const std::string& names) {
    return inverted(true, R"("NotPrincipal":{"AWS":[)" + names + "]}", kEverything, kEverywhere);
  };
  EXPECT_TRUE(ask({}, but(R"("arn:aws:iam::111111111111:user/bob")")).allowed);
  EXPECT_FALSE(ask({}, but(R"("arn:aws:iam::111111111111:user/alice")")).allowed);
  EXPECT_FALSE(ask({}, but(R"("111111111111")")).allowed);
  EXPECT_FALSE(ask({}, but(R"("*")")).allowed);
  EXPECT_FALSE(ask({.arn = kSession}, but("\"" + std::string(kRole) + "\"")).allowed);
}

// Once the account's ARN, which IAM wants beside the user's, spared all users of the account.
TEST(NotPrincipal, OfADenySparesOnlyWhomItNamesItself) {
  const auto but = [](const std::string& names) {
    return allow("*", "*") + "," +
           inverted(false, R"("NotPrincipal":{"AWS":[)" + names + "]}", kEverything, kEverywhere);
  };
  const std::string bob_and_account =
      R"("arn:aws:iam::111111111111:user/bob","arn:aws:iam::111111111111:root")";
  EXPECT_FALSE(ask({}, but(bob_and_account)).allowed);
  EXPECT_TRUE(ask({.arn = "arn:aws:iam::111111111111:user/bob"}, but(bob_and_account)).allowed);
  EXPECT_TRUE(ask({.arn = kRoot}, but(bob_and_account)).allowed);
  EXPECT_FALSE(ask({}, but(R"("111111111111")")).allowed);
  EXPECT_TRUE(ask({.arn = kSession}, but("\"" + std::string(kRole) + "\"")).allowed);
  EXPECT_TRUE(ask({.arn = kSession}, but("\"" + std::string(kSession) + "\"")).allowed);
  EXPECT_TRUE(ask({}, but(R"("*")")).allowed);
}

// IAM User Guide, "NotPrincipal with Deny": whatever it names. Once such principals were spared.
TEST(NotPrincipal, OfADenySparesNobodyWithABoundary) {
  const auto but = [](const std::string& names) {
    return allow("*", "*") + "," +
           inverted(false, R"("NotPrincipal":{"AWS":[)" + names + "]}", kEverything, kEverywhere);
  };
  const std::string everybody = R"("*","arn:aws:iam::111111111111:user/alice",)"
                                R"("arn:aws:iam::111111111111:role/path/app",)"
                                R"("arn:aws:sts::111111111111:assumed-role/app/s1")";
  for (const char* const arn : {kAlice, kSession}) {
    EXPECT_TRUE(ask({.arn = arn}, but(everybody)).allowed) << arn;
    const Who bounded{.arn = arn, .identity = own_allow("*"), .boundary = own_allow("*")};
    EXPECT_EQ(ask(bounded, but(everybody)).reason, Reason::deny_in_key_policy) << arn;
  }
}

TEST(NotAction, IsEveryOtherAction) {
  const std::string others =
      inverted(true, kEverybody, R"("NotAction":["kms:Decrypt","kms:Schedule*"])", kEverywhere);
  EXPECT_TRUE(ask({}, others).allowed);
  EXPECT_FALSE(ask({}, others, {}, "Decrypt").allowed);
  EXPECT_FALSE(ask({}, others, {}, "ScheduleKeyDeletion").allowed);
}

TEST(Resource, IsTheKeyArnOrAPatternOfIt) {
  const auto on = [](const std::string& resource) {
    return ask({}, inverted(true, kEverybody, kEverything, R"("Resource":")" + resource + "\""))
        .allowed;
  };
  EXPECT_TRUE(on("*"));
  EXPECT_TRUE(on(kKeyArn));
  EXPECT_TRUE(on("arn:aws:kms:*:111111111111:key/1234*"));
  EXPECT_FALSE(on("arn:aws:kms:us-east-1:111111111111:key/1234ABCD-12ab-34cd-56ef-1234567890ab"));
  EXPECT_FALSE(on("arn:aws:kms:us-east-1:111111111111:key/ffffffff-12ab-34cd-56ef-1234567890ab"));
  EXPECT_FALSE(on("arn:aws:kms:us-east-1:111111111111:alias/*"));
  const auto but = [](const std::string& resource) {
    return ask({}, inverted(true, kEverybody, kEverything, R"("NotResource":")" + resource + "\""))
        .allowed;
  };
  EXPECT_FALSE(but("*"));
  EXPECT_FALSE(but(kKeyArn));
  EXPECT_TRUE(but("arn:aws:kms:us-east-1:111111111111:alias/*"));
}

TEST(OtherAccount, NeedsBothSides) {
  for (const char* named : {kCarol, kOther, "arn:aws:iam::222222222222:root", "*"}) {
    EXPECT_TRUE(
        ask({.arn = kCarol, .identity = own_allow("kms:Encrypt")}, allow(named, "*")).allowed)
        << named;
    EXPECT_EQ(ask({.arn = kCarol}, allow(named, "*")).reason, Reason::no_identity_policy) << named;
  }
  EXPECT_EQ(ask({.arn = kCarol, .identity = own_allow("*")}, kDelegation).reason,
            Reason::no_key_policy);
  EXPECT_EQ(ask({.arn = kCarol, .identity = own_allow("*"), .boundary = own_allow("s3:*")},
                allow(kCarol, "*"))
                .reason,
            Reason::no_boundary);
  EXPECT_TRUE(ask({.arn = "arn:aws:iam::222222222222:root"}, allow(kOther, "*")).allowed);
}

TEST(OtherAccount, HasThisListOfOperations) {
  const std::vector<std::string_view> yes{"CreateGrant",
                                          "Decrypt",
                                          "DeriveSharedSecret",
                                          "DescribeKey",
                                          "Encrypt",
                                          "GenerateDataKey",
                                          "GenerateDataKeyPair",
                                          "GenerateDataKeyPairWithoutPlaintext",
                                          "GenerateDataKeyWithoutPlaintext",
                                          "GenerateMac",
                                          "GetKeyRotationStatus",
                                          "GetPublicKey",
                                          "ListGrants",
                                          "ReEncrypt",
                                          "RetireGrant",
                                          "RevokeGrant",
                                          "Sign",
                                          "Verify",
                                          "VerifyMac"};
  const Who carol{.arn = kCarol, .identity = own_allow("*")};
  const auto allowed = [&](std::string_view action) {
    return ask(carol, allow(kCarol, "*"), {}, action).allowed;
  };
  for (const api::OperationInfo& operation : api::operations()) {
    const bool expected = std::count(yes.begin(), yes.end(), operation.name) != 0;
    EXPECT_EQ(works_across_accounts({operation.name}), expected) << operation.name;
    EXPECT_EQ(allowed(operation.name), expected) << operation.name;
  }
  EXPECT_TRUE(allowed("ReEncryptFrom"));
  EXPECT_TRUE(allowed("ReEncryptTo"));
  EXPECT_EQ(ask(carol, allow(kCarol, "*"), {}, "EnableKey").reason, Reason::not_across_accounts);
}

TEST(AccountOperation, IsDecidedByTheCallersOwnPolicies) {
  const auto on = [](const Who& who, std::string_view resource) {
    return decide_account(who.caller(), {"CreateKey"}, resource, {});
  };
  EXPECT_EQ(on({}, "*").reason, Reason::no_identity_policy);
  EXPECT_TRUE(on({.identity = own_allow("kms:CreateKey")}, "*").allowed);
  EXPECT_EQ(on({.identity = own_allow("*") + "," + own_deny("kms:Create*")}, "*").reason,
            Reason::deny_in_identity_policy);
  EXPECT_EQ(on({.identity = own_allow("*"), .boundary = own_allow("s3:*")}, "*").reason,
            Reason::no_boundary);
  EXPECT_EQ(
      on({.arn = kSession, .identity = own_allow("*"), .session = own_allow("s3:*")}, "*").reason,
      Reason::no_session_policy);
  EXPECT_TRUE(on({.arn = kRoot}, "*").allowed);
  const std::string one = statement(true, "", "*", R"("Resource":"arn:aws:kms:*:*:alias/a*")");
  EXPECT_TRUE(on({.identity = one}, "arn:aws:kms:us-east-1:111111111111:alias/app").allowed);
  EXPECT_FALSE(on({.identity = one}, "arn:aws:kms:us-east-1:111111111111:alias/other").allowed);
  EXPECT_FALSE(on({.identity = one}, "*").allowed);
}

// Grants.

const std::string kNothing = allow("arn:aws:iam::111111111111:user/bob", "kms:*");

bool granted(const Who& who, const Grant& grant, const keys::EncryptionContext& context = {},
             std::string_view action = "Encrypt") {
  const Decision decision = ask(who, kNothing, {.encryption_context = &context}, action, {grant});
  EXPECT_EQ(decision.allowed, decision.reason == Reason::grant);
  return decision.allowed;
}

TEST(Grant, AllowsItsOperationsToItsGrantee) {
  EXPECT_TRUE(granted({}, {}));
  EXPECT_FALSE(granted({}, {}, {}, "Decrypt"));
  EXPECT_FALSE(granted({}, {}, {}, "EnableKey"));
  EXPECT_FALSE(granted({.arn = kRoot}, {}));
  EXPECT_TRUE(granted({.arn = kCarol}, {.grantee = kCarol}));
  const Grant re_encrypt{.operations = {api::GrantOperation::re_encrypt_from}};
  EXPECT_TRUE(granted({}, re_encrypt, {}, "ReEncryptFrom"));
  EXPECT_FALSE(granted({}, re_encrypt, {}, "ReEncryptTo"));
}

TEST(Grant, IsForTheSessionsOfARole) {
  EXPECT_TRUE(granted({.arn = kSession}, {.grantee = kRole}));
  EXPECT_TRUE(granted({.arn = kSession}, {.grantee = kSession}));
  EXPECT_FALSE(
      granted({.arn = kSession}, {.grantee = "arn:aws:sts::111111111111:assumed-role/app/s2"}));
  const Who limited{.arn = kSession, .identity = {}, .boundary = {}, .session = own_allow("s3:*")};
  EXPECT_FALSE(granted(limited, {.grantee = kRole}));
  EXPECT_TRUE(granted(limited, {.grantee = kSession}));
}

TEST(Grant, ToAnAccountIsForThoseWhoseOwnPoliciesAllowIt) {
  EXPECT_FALSE(granted({}, {.grantee = kRoot}));
  EXPECT_TRUE(granted({.identity = own_allow("kms:Encrypt")}, {.grantee = kRoot}));
  EXPECT_FALSE(
      granted({.identity = own_allow("*"), .boundary = own_allow("s3:*")}, {.grantee = kRoot}));
  EXPECT_TRUE(granted({.arn = kRoot}, {.grantee = kRoot}));
  EXPECT_FALSE(granted({.arn = kCarol, .identity = own_allow("*")}, {.grantee = kRoot}));
}

TEST(Grant, HoldsForTheEncryptionContextsOfItsConstraints) {
  const keys::EncryptionContext a{{"a", "1"}};
  const keys::EncryptionContext ab{{"a", "1"}, {"b", "2"}};
  const Grant equals{
      .constraints = {.encryption_context_subset = {}, .encryption_context_equals = a}};
  EXPECT_TRUE(granted({}, equals, a));
  EXPECT_FALSE(granted({}, equals, ab));
  EXPECT_FALSE(granted({}, equals, {}));
  EXPECT_FALSE(granted({}, equals, {{"a", "2"}}));
  EXPECT_FALSE(granted({}, equals, {{"A", "1"}}));
  const Grant subset{
      .constraints = {.encryption_context_subset = a, .encryption_context_equals = {}}};
  EXPECT_TRUE(granted({}, subset, a));
  EXPECT_TRUE(granted({}, subset, ab));
  EXPECT_FALSE(granted({}, subset, {}));
  EXPECT_FALSE(granted({}, subset, {{"b", "2"}}));
  const Grant both{
      .constraints = {.encryption_context_subset = a, .encryption_context_equals = ab}};
  EXPECT_TRUE(granted({}, both, ab));
  EXPECT_FALSE(granted({}, both, a));
}

TEST(Grant, DoesNotConstrainDescribeKey) {
  const Grant grant{
      .operations = {api::GrantOperation::describe_key},
      .constraints = {.encryption_context_subset = keys::EncryptionContext{{"a", "1"}},
                      .encryption_context_equals = {}}};
  EXPECT_TRUE(granted({}, grant, {}, "DescribeKey"));
}

TEST(Grant, HelpsWhereAnotherDoesNot) {
  const keys::EncryptionContext none;
  const Grant other{.operations = {api::GrantOperation::decrypt}};
  EXPECT_TRUE(ask({}, kNothing, {.encryption_context = &none}, "Encrypt", {other, {}}).allowed);
}

/// Whether a grant with these constraints may make a child with those.
bool may_make(const api::GrantConstraints& parent, const api::GrantConstraints& child,
              std::vector<api::GrantOperation> operations = {api::GrantOperation::encrypt}) {
  api::CreateGrantRequest request;
  request.operations = std::move(operations);
  request.constraints = child;
  const Grant grant{.operations = {api::GrantOperation::encrypt, api::GrantOperation::create_grant},
                    .constraints = parent};
  return ask({}, kNothing,
             {.input = &api::structure_of<api::CreateGrantRequest>(), .request = &request},
             "CreateGrant", {grant})
      .allowed;
}

TEST(ChildGrant, IsNoWiderThanItsParent) {
  const keys::EncryptionContext a{{"a", "1"}};
  const keys::EncryptionContext ab{{"a", "1"}, {"b", "2"}};
  const keys::EncryptionContext b{{"b", "2"}};
  const auto equals = [](const keys::EncryptionContext& context) {
    return api::GrantConstraints{.encryption_context_subset = {},
                                 .encryption_context_equals = context};
  };
  const auto subset = [](const keys::EncryptionContext& context) {
    return api::GrantConstraints{.encryption_context_subset = context,
                                 .encryption_context_equals = {}};
  };
  EXPECT_TRUE(may_make({}, {}));
  EXPECT_TRUE(may_make({}, equals(a)));
  EXPECT_TRUE(may_make(equals(a), equals(a)));
  EXPECT_FALSE(may_make(equals(a), {}));
  EXPECT_FALSE(may_make(equals(a), equals(ab)));
  EXPECT_FALSE(may_make(equals(a), subset(a)));
  EXPECT_TRUE(may_make(subset(a), subset(a)));
  EXPECT_TRUE(may_make(subset(a), subset(ab)));
  EXPECT_TRUE(may_make(subset(a), equals(ab)));
  EXPECT_FALSE(may_make(subset(a), {}));
  EXPECT_FALSE(may_make(subset(a), subset(b)));
  EXPECT_FALSE(may_make(subset(ab), equals(a)));
  using api::GrantOperation;
  EXPECT_TRUE(may_make({}, {}, {GrantOperation::encrypt, GrantOperation::create_grant}));
  EXPECT_FALSE(may_make({}, {}, {GrantOperation::encrypt, GrantOperation::decrypt}));
}

TEST(ChildGrant, NeedsAParentThatMayMakeOne) {
  api::CreateGrantRequest request;
  request.operations = {api::GrantOperation::encrypt};
  EXPECT_FALSE(ask({}, kNothing,
                   {.input = &api::structure_of<api::CreateGrantRequest>(), .request = &request},
                   "CreateGrant", {{}})
                   .allowed);
}

// Retirement.

Decision retire(const Who& who, const Grant& grant, const std::string& key_policy = kNothing) {
  const Caller caller = who.caller();
  const keys::KeyRecord key = the_key();
  const Policy parsed = policy(PolicyKind::key, key_policy);
  return decide_retirement({.caller = caller,
                            .action = {"RetireGrant"},
                            .key = key,
                            .key_policy = parsed,
                            .context = {}},
                           grant.record());
}

TEST(Retirement, IsForTheRetiringPrincipal) {
  EXPECT_EQ(retire({}, {.grantee = kCarol, .retiring = kAlice}).reason, Reason::retirement);
  EXPECT_EQ(retire({.arn = kSession}, {.grantee = kCarol, .retiring = kRole}).reason,
            Reason::retirement);
  EXPECT_EQ(retire({.arn = kCarol}, {.retiring = kCarol}).reason, Reason::retirement);
  EXPECT_FALSE(retire({}, {.grantee = kCarol}).allowed);
  EXPECT_FALSE(retire({}, {.grantee = kCarol, .retiring = kCarol}).allowed);
  EXPECT_FALSE(retire({}, {.grantee = kCarol, .retiring = kRoot}).allowed);
  EXPECT_TRUE(
      retire({.identity = own_allow("kms:RetireGrant")}, {.grantee = kCarol, .retiring = kRoot})
          .allowed);
}

TEST(Retirement, IsForTheGranteeIfTheGrantSaysSo) {
  EXPECT_FALSE(retire({}, {}).allowed);
  EXPECT_TRUE(
      retire({}, {.operations = {api::GrantOperation::encrypt, api::GrantOperation::retire_grant}})
          .allowed);
  const Grant constrained{
      .operations = {api::GrantOperation::retire_grant},
      .constraints = {.encryption_context_subset = keys::EncryptionContext{{"a", "1"}},
                      .encryption_context_equals = {}}};
  EXPECT_TRUE(retire({}, constrained).allowed);
}

TEST(Retirement, IsForTheAccountThatMadeTheGrant) {
  EXPECT_TRUE(retire({.arn = kRoot}, {.grantee = kCarol}).allowed);
  EXPECT_TRUE(retire({.identity = own_allow("kms:RetireGrant")}, {.grantee = kCarol}).allowed);
  EXPECT_FALSE(retire({.identity = own_allow("kms:Encrypt")}, {.grantee = kCarol}).allowed);
  // Once a session policy was blamed, where there is none.
  EXPECT_EQ(
      retire({.identity = own_allow("*")}, {.grantee = kCarol, .issuing_account = kOther}).reason,
      Reason::no_key_policy);
  EXPECT_EQ(retire({}, {.grantee = kCarol, .issuing_account = kOther}).reason,
            Reason::no_identity_policy);
  EXPECT_EQ(retire({.identity = own_allow("*"), .boundary = own_allow("s3:*")}, {.grantee = kCarol})
                .reason,
            Reason::no_boundary);
  // The key policy does not give it.
  EXPECT_FALSE(retire({}, {.grantee = kCarol}, allow(kAlice, "kms:*")).allowed);
}

TEST(Retirement, IsDeniedByADeny) {
  EXPECT_EQ(retire({}, {.retiring = kAlice}, deny(kAlice, "kms:RetireGrant")).reason,
            Reason::deny_in_key_policy);
  EXPECT_EQ(retire({.identity = own_deny("*")}, {.retiring = kAlice}).reason,
            Reason::deny_in_identity_policy);
}

}  // namespace
}  // namespace kms::auth
