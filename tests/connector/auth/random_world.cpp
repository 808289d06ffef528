#include "tests/connector/auth/random_world.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace kms::auth::test {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* kKeyArn =
    "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
constexpr Timestamp kTime{std::chrono::seconds{1'795'485'600}};  // 2026-11-24T02:00:00Z

constexpr std::array kPrincipals{"*",
                                 "111111111111",
                                 "arn:aws:iam::111111111111:root",
                                 "222222222222",
                                 "arn:aws:iam::222222222222:root",
                                 "arn:aws:iam::111111111111:user/alice",
                                 "arn:aws:iam::111111111111:user/bob",
                                 "arn:aws:iam::111111111111:role/app",
                                 "arn:aws:sts::111111111111:assumed-role/app/s1",
                                 "arn:aws:iam::222222222222:user/carol",
                                 "arn:aws:iam::222222222222:role/guest"};

constexpr std::array kOperations{"Encrypt",     "Decrypt",     "GenerateDataKey", "ReEncryptFrom",
                                 "DescribeKey", "CreateGrant", "ListGrants",      "PutKeyPolicy",
                                 "TagResource", "Sign",        "EnableKey"};

constexpr std::array kActions{
    "*",           "kms:*",          "kms:Encrypt",    "kms:Decrypt",
    "kms:E*",      "kms:?ecrypt",    "KMS:ENCRYPT",    "kms:GenerateDataKey*",
    "s3:*",        "kms:*Grant*",    "kms:ListGrants", "kms:*crypt*",
    "kms:De*K?y*", "kms:CreateGrant"};

constexpr std::array kResources{
    "*",
    "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111111111111:key/ffffffff-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:*:111111111111:key/*",
    "arn:aws:kms:us-east-1:111111111111:alias/*",
    "arn:aws:kms:us-east-?:${aws:PrincipalAccount}:key/*",
    "arn:aws:kms:us-east-1:${aws:PrincipalTag/account, '111111111111'}:key/*",
    "arn:aws:kms:us-east-1:111111111111:key/${aws:username}",
    "arn:*:*ab"};

struct Family {
  std::vector<const char*> operators;
  Texts keys;
  Texts values;
};

const std::vector<Family>& families() {
  static const std::vector<Family> all{
      {{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
        "StringLike", "StringNotLike"},
       {"aws:username", "aws:PrincipalTag/team", "AWS:principaltag/TEAM", "aws:ResourceTag/team",
        "kms:EncryptionContext:a", "kms:EncryptionContext:B", "kms:EncryptionContextKeys",
        "kms:ResourceAliases", "kms:CallerAccount", "kms:GrantOperations", "kms:RequestAlias",
        "kms:KeySpec", "kms:EncryptionAlgorithm", "kms:ViaService", "kms:GrantConstraintType"},
       {"alice",
        "bob",
        "ALICE",
        "a*",
        "b?ue",
        "blue",
        "red",
        "*",
        "",
        "a",
        "b",
        "A",
        "1",
        "2",
        "111111111111",
        "222222222222",
        "${aws:username}",
        "${aws:PrincipalTag/team}",
        "${aws:PrincipalTag/team, 'blue'}",
        "${aws:PrincipalTag/account, 'it''s'}",
        "${*}",
        "x${?}",
        "it's",
        "alias/x",
        "alias/*",
        "Decrypt",
        "*rypt*",
        "SYMMETRIC_DEFAULT",
        "EncryptionContext*",
        "${aws:username}*"}},
      {{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
       {"aws:PrincipalArn"},
       {"arn:aws:iam::111111111111:user/*", "arn:aws:iam::*:role/app", "arn:*", "arn:aws:*:*:*:*",
        "arn:aws:iam::111111111111:user/${aws:username}", "*",
        "arn:aws:iam::${aws:PrincipalAccount}:r*"}},
      {{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
        "NumericGreaterThan", "NumericGreaterThanEquals"},
       {"test:number", "aws:EpochTime"},
       {"0", "5", "-3", "5.0", "7.25", "1795485600"}},
      {{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
        "DateGreaterThanEquals"},
       {"aws:CurrentTime", "aws:EpochTime", "test:date"},
       {"2026-11-24T02:00:00Z", "2026-11-24", "2026-11-24T02:00Z", "1795485600", "2020-01-01",
        "2038-01-19T03:14:07Z", "-5"}},
      {{"Bool"}, {"aws:SecureTransport", "kms:MultiRegion"}, {"true", "false", "True"}},
      {{"BinaryEquals"}, {"test:binary"}, {"YQ==", "Yg==", "YWI="}},
      {{"IpAddress", "NotIpAddress"},
       {"aws:SourceIp"},
       {"10.0.0.0/8", "10.1.2.3", "192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32", "::/0",
        "0.0.0.0/0", "::ffff:10.1.2.3", "::ffff:0:0/96"}},
      {{"Null"}, {"aws:username", "kms:ResourceAliases", "test:number"}, {"true", "false"}}};
  return all;
}

std::string quoted(std::string_view text) { return json_string(text); }

/// One or several of them; without quotes they are numbers.
template <class Range>
std::string some(Random& random, const Range& range, bool quotes = true) {
  std::string out;
  const std::size_t number = 1 + (random.chance(40) ? random.below(3) : 0);
  for (std::size_t i = 0; i < number; ++i) {
    const std::string one = random.pick(range);
    out.append(i == 0 ? "" : ",").append(quotes ? quoted(one) : one);
  }
  return number == 1 ? out : "[" + out + "]";
}

std::string random_conditions(Random& random) {
  std::map<std::string, std::string> blocks;
  for (std::size_t n = 1 + random.below(2); n > 0; --n) {
    const Family& family = random.pick(families());
    std::string name = random.pick(family.operators);
    const std::string& key =
        random.pick(random.chance(85) ? family.keys : random.pick(families()).keys);
    if (random.chance(25) && name != "Null") name += "IfExists";
    const bool is_single = key.starts_with("kms:EncryptionContext:");
    if (random.chance(20) && !is_single) name.insert(0, "ForAllValues:");
    if (random.chance(20) && name.find(':') == std::string::npos) name.insert(0, "ForAnyValue:");
    const bool quotes = name.find("Numeric") == std::string::npos || random.chance(50);
    blocks[name] = "{" + quoted(key) + ":" + some(random, family.values, quotes) + "}";
  }
  std::string out;
  for (const auto& [name, clauses] : blocks) {
    out.append(out.empty() ? "" : ",").append(quoted(name)).append(":").append(clauses);
  }
  return "{" + out + "}";
}

std::string random_statement(Random& random, PolicyKind kind) {
  std::string out = random.chance(75) ? R"({"Effect":"Allow")" : R"({"Effect":"Deny")";
  if (kind == PolicyKind::key) {
    out += random.chance(88) ? R"(,"Principal":)" : R"(,"NotPrincipal":)";
    out += random.chance(10) ? R"("*")" : R"({"AWS":)" + some(random, kPrincipals) + "}";
  }
  out += random.chance(88) ? R"(,"Action":)" : R"(,"NotAction":)";
  out += some(random, kActions);
  out += random.chance(88) ? R"(,"Resource":)" : R"(,"NotResource":)";
  out += random.chance(50) ? R"("*")" : some(random, kResources);
  if (random.chance(40)) out += R"(,"Condition":)" + random_conditions(random);
  return out + "}";
}

keys::EncryptionContext random_pairs(Random& random, bool some_at_least) {
  keys::EncryptionContext pairs;
  do {
    if (random.chance(60)) pairs["a"] = random.chance(70) ? "1" : "2";
    if (random.chance(40)) pairs["b"] = random.chance(70) ? "1" : "2";
  } while (some_at_least && pairs.empty());
  return pairs;
}

std::vector<api::GrantOperation> random_operations(Random& random) {
  constexpr std::array kAll{api::GrantOperation::encrypt,
                            api::GrantOperation::decrypt,
                            api::GrantOperation::generate_data_key,
                            api::GrantOperation::re_encrypt_from,
                            api::GrantOperation::create_grant,
                            api::GrantOperation::describe_key,
                            api::GrantOperation::sign};
  std::vector<api::GrantOperation> operations;
  for (const auto one : kAll) {
    if (random.chance(50)) operations.push_back(one);
  }
  return operations;
}

api::GrantConstraints random_constraints(Random& random) {
  api::GrantConstraints constraints;
  if (random.chance(60)) {
    auto& kind = random.chance(50) ? constraints.encryption_context_equals
                                   : constraints.encryption_context_subset;
    kind = random_pairs(random, true);
  }
  return constraints;
}

naive::Grant naive_grant(const std::string& grantee,
                         const std::vector<api::GrantOperation>& operations,
                         const api::GrantConstraints& constraints) {
  naive::Grant grant{.grantee = grantee, .operations = {}, .constraints = {}};
  for (const auto one : operations) grant.operations.emplace_back(api::to_string(one));
  const auto copy = [](const auto& from, std::optional<naive::StringMap>& to) {
    if (from) to.emplace(from->begin(), from->end());
  };
  copy(constraints.encryption_context_equals, grant.constraints.equals);
  copy(constraints.encryption_context_subset, grant.constraints.subset);
  return grant;
}

struct Sketch {
  const char* arn;
  const char* user;  // or ""
  const char* role;  // or ""
  Principal::Type type;
};

constexpr std::array kPeople{
    Sketch{"arn:aws:iam::111111111111:user/alice", "alice", "", Principal::Type::user},
    Sketch{"arn:aws:iam::111111111111:user/bob", "bob", "", Principal::Type::user},
    Sketch{"arn:aws:iam::111111111111:root", "", "", Principal::Type::root},
    Sketch{"arn:aws:sts::111111111111:assumed-role/app/s1", "",
           "arn:aws:iam::111111111111:role/app", Principal::Type::role},
    Sketch{"arn:aws:sts::111111111111:assumed-role/app/s2", "",
           "arn:aws:iam::111111111111:role/app", Principal::Type::role},
    Sketch{"arn:aws:iam::222222222222:user/carol", "carol", "", Principal::Type::user},
    Sketch{"arn:aws:iam::222222222222:root", "", "", Principal::Type::root},
    Sketch{"arn:aws:sts::222222222222:assumed-role/guest/s1", "",
           "arn:aws:iam::222222222222:role/guest", Principal::Type::role}};

Tags random_tags(Random& random) {
  Tags tags;
  if (random.chance(50))
    tags["team"] = random.chance(70) ? "blue" : random.chance(50) ? "*" : "it's";
  if (random.chance(20)) tags["account"] = "222222222222";
  return tags;
}

Person random_person(Random& random) {
  const Sketch& sketch = random.pick(kPeople);
  const bool is_role = sketch.type == Principal::Type::role;
  const bool is_root = sketch.type == Principal::Type::root;
  Person person;
  for (std::size_t n = random.below(3); n > 0 && !is_root; --n) {
    person.policies.push_back(random_policy(random, PolicyKind::identity));
  }
  if (!is_root && random.chance(25)) {
    person.boundary.push_back(random_policy(random, PolicyKind::identity));
  }
  if (is_role && random.chance(30)) {
    person.session.push_back(random_policy(random, PolicyKind::identity));
  }
  auto principal = std::make_shared<Principal>();
  principal->type = sketch.type;
  principal->arn = is_role ? sketch.role : sketch.arn;
  principal->account = principal->arn.substr(13, 12);
  principal->tags = random_tags(random);
  for (const auto& one : person.policies) principal->policies.push_back(one.policy);
  for (const auto& one : person.boundary) principal->boundary = one.policy;
  person.caller.arn = sketch.arn;
  person.caller.account = principal->account;
  person.caller.type = is_root ? "Root" : is_role ? "AssumedRole" : "IAMUser";
  person.caller.user_name = sketch.user;
  if (is_role) {
    auto session = std::make_shared<Session>();
    for (const auto& one : person.session) session->policies.push_back(one.policy);
    if (random.chance(30)) session->tags["team"] = "red";
    person.caller.session = session;
  }
  person.caller.principal = principal;
  person.naive_caller = {.arn = sketch.arn,
                         .account = principal->account,
                         .role = sketch.role,
                         .root = is_root,
                         .bounded = !person.boundary.empty()};
  return person;
}

}  // namespace

BothPolicies random_policy(Random& random, PolicyKind kind) {
  BothPolicies both;
  both.text = "{";
  if (!random.chance(15)) {
    both.text += random.chance(85) ? R"("Version":"2012-10-17",)" : R"("Version":"2008-10-17",)";
  }
  both.text += R"("Statement":[)";
  for (std::size_t i = 0, n = 1 + random.below(3); i < n; ++i) {
    both.text += (i == 0 ? "" : ",") + random_statement(random, kind);
  }
  both.text += "]}";
  both.policy = {.name = "random", .policy = parse_policy(both.text, kind)};
  auto document = std::make_shared<rapidjson::Document>();
  document->Parse(both.text.data(), both.text.size());
  both.json = document;
  return both;
}

World random_world(Random& random) {
  World world;
  world.key.scope = {.account = "111111111111", .region = "us-east-1"};
  world.key.id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  if (random.chance(50)) world.key.tags.push_back({.key = "Team", .value = "blue"});
  if (random.chance(30))
    world.key.multi_region = {.primary_region = "us-east-1", .replica_regions = {}};
  world.key_policy = random_policy(random, PolicyKind::key);
  for (int i = 0; i < 3; ++i) world.people.push_back(random_person(random));
  for (std::size_t n = random.below(3); n > 0; --n) {
    keys::GrantRecord grant;
    do {
      grant.grantee_principal = random.pick(kPrincipals);
    } while (!grant.grantee_principal.starts_with("arn:"));
    grant.operations = random_operations(random);
    grant.constraints = random_constraints(random);
    world.naive_grants.push_back(
        naive_grant(grant.grantee_principal, grant.operations, grant.constraints));
    world.grants.push_back(std::make_shared<const keys::GrantRecord>(std::move(grant)));
  }
  return world;
}

Ask::Ask(Random& random, const World& world, const Person& person)
    : world_(world), person_(person), operation_(random.pick(kOperations)) {
  constexpr std::array kAddresses{"10.1.2.3", "192.0.2.200", "2001:db8::1", "::ffff:10.1.2.3",
                                  "fe80::1"};
  source_ip_ = random.pick(kAddresses);
  if (random.chance(40)) aliases_.emplace_back("alias/x");
  if (random.chance(20)) aliases_.emplace_back("alias/y");
  const auto give = [&](const char* name, std::initializer_list<const char*> values) {
    if (random.chance(50))
      given_.emplace_back(name, std::data(values)[random.below(values.size())]);
  };
  give("test:number", {"5", "-3", "7.25", "x"});
  give("test:date", {"2026-11-24", "1795485600", "2030-01-01T00:00:00Z"});
  give("test:binary", {"YQ==", "YWI="});
  context_.environment = {.time = kTime,
                          .region = "us-east-1",
                          .source_ip = source_ip_,
                          .user_agent = "test",
                          .secure_transport = random.chance(70)};
  if (operation_ == "CreateGrant") {
    create_grant_.operations = random_operations(random);
    if (random.chance(80)) create_grant_.constraints = random_constraints(random);
    new_grant_ = naive_grant("", create_grant_.operations,
                             create_grant_.constraints.value_or(api::GrantConstraints{}));
    context_.input = &api::structure_of<api::CreateGrantRequest>();
    context_.request = &create_grant_;
  } else if (random.chance(80)) {
    encryption_context_ = random_pairs(random, false);
    context_.encryption_context = &encryption_context_;
  }
  if (random.chance(30)) context_.alias = "alias/x";
  context_.key_aliases = [this] { return aliases_; };
  context_.given = given_;
}

Decision Ask::decide(const Policy& key_policy, const Caller& caller) const {
  return auth::decide({.caller = caller,
                       .action = {operation_},
                       .key = world_.key,
                       .key_policy = key_policy,
                       .find_grant = [this](const auto& allows) -> keys::GrantPtr {
                         const auto found = std::ranges::find_if(
                             world_.grants, [&](const auto& grant) { return allows(*grant); });
                         return found == world_.grants.end() ? nullptr : *found;
                       },
                       .context = context_});
}

naive::Context Ask::naive_context(bool for_key_policy) const {
  const Caller& caller = person_.caller;
  naive::Context context;
  const auto set = [&](const std::string& key, std::string value) {
    context[key] = {std::move(value)};
  };
  if (!caller.user_name.empty()) set("aws:username", caller.user_name);
  set("aws:principalarn", caller.principal->arn);
  set("aws:principalaccount", caller.account);
  set("kms:calleraccount", caller.account);
  for (const auto& [name, value] : caller.principal->tags) set("aws:principaltag/" + name, value);
  if (caller.session) {
    for (const auto& [name, value] : caller.session->tags) set("aws:principaltag/" + name, value);
  }
  for (const auto& tag : world_.key.tags) set("aws:resourcetag/team", tag.value);
  set("aws:sourceip", source_ip_);
  set("aws:currenttime", "2026-11-24T02:00:00Z");
  set("aws:epochtime", "1795485600");
  set("aws:securetransport", context_.environment.secure_transport ? "true" : "false");
  set("kms:multiregion", world_.key.multi_region ? "true" : "false");
  set("kms:keyspec", "SYMMETRIC_DEFAULT");
  if (!context_.alias.empty()) set("kms:requestalias", "alias/x");
  if (!for_key_policy && !aliases_.empty()) context["kms:resourcealiases"] = aliases_;
  constexpr std::array kCryptographic{"Encrypt", "Decrypt", "GenerateDataKey", "ReEncryptFrom"};
  for (const std::string_view one : kCryptographic) {
    if (one == operation_) set("kms:encryptionalgorithm", "SYMMETRIC_DEFAULT");
  }
  naive::StringMap pairs(encryption_context_.begin(), encryption_context_.end());
  if (operation_ == "CreateGrant") {
    const naive::Constraints& constraints = new_grant_.constraints;
    if (constraints.equals) set("kms:grantconstrainttype", "EncryptionContextEquals");
    if (constraints.subset) set("kms:grantconstrainttype", "EncryptionContextSubset");
    pairs = constraints.equals.value_or(constraints.subset.value_or(naive::StringMap{}));
    if (!new_grant_.operations.empty()) context["kms:grantoperations"] = new_grant_.operations;
  }
  for (const auto& [name, value] : pairs) {
    set("kms:encryptioncontext:" + name, value);
    context["kms:encryptioncontextkeys"].push_back(name);
  }
  for (const auto& [name, value] : given_) set(name, value);
  return context;
}

naive::Answer Ask::naive_answer() const {
  naive::Policies policies;
  policies.key_policy = world_.key_policy.json.get();
  for (const auto& one : person_.policies) policies.identity.push_back(one.json.get());
  for (const auto& one : person_.boundary) policies.boundary = one.json.get();
  for (const auto& one : person_.session) policies.session.push_back(one.json.get());
  policies.grants = world_.naive_grants;
  naive::Request request;
  request.caller = person_.naive_caller;
  request.operation = operation_;
  request.key_arn = kKeyArn;
  request.key_account = "111111111111";
  request.for_key_policy = naive_context(true);
  request.for_own_policies = naive_context(false);
  request.encryption_context = {encryption_context_.begin(), encryption_context_.end()};
  if (operation_ == "CreateGrant") request.new_grant = &new_grant_;
  return naive::answer(policies, request);
}

std::string Ask::as_json() const {
  const auto list = [](const auto& all) {
    std::string out;
    for (const auto& one : all) out.append(out.empty() ? "" : ",").append(one.text);
    return "[" + out + "]";
  };
  const auto pairs = [](const auto& all) {
    std::string out;
    for (const auto& [name, value] : all) {
      out.append(out.empty() ? "" : ",").append(quoted(name)).append(":").append(quoted(value));
    }
    return "{" + out + "}";
  };
  const auto grant = [&](const naive::Grant& one) {
    std::string operations;
    for (const auto& name : one.operations)
      operations.append(operations.empty() ? "" : ",").append(quoted(name));
    return R"({"grantee":)" + quoted(one.grantee) + R"(,"operations":[)" + operations +
           R"(],"equals":)" + (one.constraints.equals ? pairs(*one.constraints.equals) : "null") +
           R"(,"subset":)" + (one.constraints.subset ? pairs(*one.constraints.subset) : "null") +
           "}";
  };
  std::string grants;
  for (const auto& one : world_.naive_grants)
    grants.append(grants.empty() ? "" : ",").append(grant(one));
  std::string context;
  for (const auto& [name, values] : naive_context(false)) {
    std::string all;
    for (const auto& value : values) all.append(all.empty() ? "" : ",").append(quoted(value));
    context.append(context.empty() ? "" : ",")
        .append(quoted(name))
        .append(":[")
        .append(all)
        .append("]");
  }
  return R"({"caller":)" + quoted(person_.caller.arn) + R"(,"operation":)" + quoted(operation_) +
         R"(,"key policy":)" + world_.key_policy.text + R"(,"identity policies":)" +
         list(person_.policies) + R"(,"boundary":)" + list(person_.boundary) +
         R"(,"session policies":)" + list(person_.session) + R"(,"grants":[)" + grants +
         R"(],"new grant":)" + grant(new_grant_) + R"(,"encryption context":)" +
         pairs(encryption_context_) + R"(,"condition keys":{)" + context + "}}";
}

}  // namespace kms::auth::test
