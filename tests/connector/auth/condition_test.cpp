#include "connector/auth/condition.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

using Strings = std::vector<std::string>;

class Given final : public ConditionSource {
 public:
  using Map = std::map<std::string, Strings>;
  Given() = default;
  explicit Given(Map values) : values_(std::move(values)) {}
  [[nodiscard]] std::optional<Strings> values(const ConditionKey& key) const override {
    const auto found = values_.find(key.lower());
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  Map values_;
};

/// "op": {"test:key": wanted} of a request in which test:key has the values `given`; none: it is
/// absent.
bool holds(const std::string& op, const Strings& wanted, const Strings& given) {
  Condition condition;
  condition.operator_name = op;
  EXPECT_TRUE(parse_operator(op, condition)) << op;
  condition.key = ConditionKey("test:key");
  condition.values = wanted;
  return given.empty() ? holds(condition, Given(), true)
                       : holds(condition, Given(Given::Map{{"test:key", given}}), true);
}

struct Row {
  const char* op;
  bool negated;
  Strings wanted;
  std::string match;  // one of those wanted
  std::string miss;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"StringEquals", false, {"x", "alice"}, "alice", "Alice"},
      {"StringNotEquals", true, {"x", "alice"}, "alice", "Alice"},
      {"StringEqualsIgnoreCase", false, {"x", "Alice"}, "aLICE", "bob"},
      {"StringNotEqualsIgnoreCase", true, {"x", "Alice"}, "aLICE", "bob"},
      {"StringLike", false, {"x", "a*c?"}, "alice", "Alice"},
      {"StringNotLike", true, {"x", "a*c?"}, "alice", "Alice"},
      {"NumericEquals", false, {"1", "10"}, "10.0", "11"},
      {"NumericNotEquals", true, {"1", "10"}, "10", "11"},
      {"NumericLessThan", false, {"10"}, "9.5", "10"},
      {"NumericLessThanEquals", false, {"10"}, "10", "10.5"},
      {"NumericGreaterThan", false, {"10"}, "11", "10"},
      {"NumericGreaterThanEquals", false, {"-10"}, "-10", "-11"},
      {"DateEquals", false, {"2020-01-01", "2026-11-24T01:00:00Z"}, "1795482000", "1795482001"},
      {"DateNotEquals", true, {"2026-11-24T01:00:00Z"}, "1795482000", "1795482001"},
      {"DateLessThan", false, {"2026-11-24"}, "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"},
      {"DateLessThanEquals", false, {"2026-11-24"}, "2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z"},
      {"DateGreaterThan", false, {"2026-11-24"}, "2026-11-24T00:00:01Z", "2026-11-24T00:00:00Z"},
      {"DateGreaterThanEquals", false, {"2026-11-24"}, "2026-11-24T00:00:00Z", "2026-11-23"},
      {"Bool", false, {"true"}, "true", "false"},
      {"BoolNotEquals", true, {"true"}, "true", "false"},
      {"BinaryEquals", false, {"YQ==", "YWI="}, "YWI=", "YWM="},
      {"IpAddress", false, {"192.0.2.0/24", "10.0.0.0/8"}, "10.9.8.7", "11.0.0.1"},
      {"NotIpAddress", true, {"192.0.2.0/24", "10.0.0.0/8"}, "10.9.8.7", "11.0.0.1"},
      {"ArnEquals",
       false,
       {"arn:aws:iam::1:user/*"},
       "arn:aws:iam::1:user/a",
       "arn:aws:iam::2:user/a"},
      {"ArnLike",
       false,
       {"arn:aws:iam::1:user/*"},
       "arn:aws:iam::1:user/a",
       "arn:aws:iam::2:user/a"},
      {"ArnNotEquals",
       true,
       {"arn:aws:iam::1:user/*"},
       "arn:aws:iam::1:user/a",
       "arn:aws:iam::2:user/a"},
      {"ArnNotLike",
       true,
       {"arn:aws:iam::1:user/*"},
       "arn:aws:iam::1:user/a",
       "arn:aws:iam::2:user/a"},
  };
  return all;
}

TEST(ConditionOperators, AreAllInTheTable) {
  for (const char* op : {"StringEquals", "NumericNotEquals", "DateNotEquals", "Null"}) {
    Condition condition;
    EXPECT_TRUE(parse_operator(op, condition)) << op;
  }
  for (const char* op :
       {"", "stringEquals", "StringEqual", "StringEqualsIfExistsIfExists", "IfExists",
        "ForAllValues:", "ForAllValues:ForAnyValue:StringEquals", "NullIfExists",
        "forAllValues:StringEquals", "BinaryLike", "NotBool", "DateLike"}) {
    Condition condition;
    EXPECT_FALSE(parse_operator(op, condition)) << op;
  }
  EXPECT_EQ(rows().size(), 27U);
}

TEST(ConditionOperators, HoldForMatchesAndNegatedOnesForMisses) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.op);
    EXPECT_EQ(holds(row.op, row.wanted, {row.match}), !row.negated);
    EXPECT_EQ(holds(row.op, row.wanted, {row.miss}), row.negated);
  }
}

TEST(ConditionOperators, HoldWithoutTheKeyIfNegated) {
  for (const Row& row : rows()) EXPECT_EQ(holds(row.op, row.wanted, {}), row.negated) << row.op;
}

TEST(ConditionOperators, WithIfExistsHoldWithoutTheKeyAndElseAsEver) {
  for (const Row& row : rows()) {
    const std::string op = std::string(row.op) + "IfExists";
    SCOPED_TRACE(op);
    EXPECT_TRUE(holds(op, row.wanted, {}));
    EXPECT_EQ(holds(op, row.wanted, {row.match}), !row.negated);
    EXPECT_EQ(holds(op, row.wanted, {row.miss}), row.negated);
  }
}

TEST(ConditionOperators, WithForAllValuesWantEachValueToDo) {
  for (const Row& row : rows()) {
    const std::string op = std::string("ForAllValues:") + row.op;
    SCOPED_TRACE(op);
    EXPECT_EQ(holds(op, row.wanted, {row.match, row.match}), !row.negated);
    EXPECT_FALSE(holds(op, row.wanted, {row.match, row.miss}));
    EXPECT_EQ(holds(op, row.wanted, {row.miss, row.miss}), row.negated);
    EXPECT_TRUE(holds(op, row.wanted, {}));
    EXPECT_TRUE(holds(op + "IfExists", row.wanted, {}));
    EXPECT_FALSE(holds(op + "IfExists", row.wanted, {row.match, row.miss}));
  }
}

TEST(ConditionOperators, WithForAnyValueWantOneValueToDo) {
  for (const Row& row : rows()) {
    const std::string op = std::string("ForAnyValue:") + row.op;
    SCOPED_TRACE(op);
    EXPECT_TRUE(holds(op, row.wanted, {row.match, row.miss}));
    EXPECT_TRUE(holds(op, row.wanted, {row.miss, row.match}));
    EXPECT_EQ(holds(op, row.wanted, {row.miss, row.miss}), row.negated);
    EXPECT_EQ(holds(op, row.wanted, {row.match, row.match}), !row.negated);
    EXPECT_FALSE(holds(op, row.wanted, {}));
    EXPECT_TRUE(holds(op + "IfExists", row.wanted, {}));
  }
}

TEST(ConditionOperators, WithoutASetOperatorMatchIfOneOfSeveralValuesDoes) {
  for (const Row& row : rows()) {
    EXPECT_EQ(holds(row.op, row.wanted, {row.miss, row.match}), !row.negated) << row.op;
    EXPECT_EQ(holds(row.op, row.wanted, {row.miss, row.miss}), row.negated) << row.op;
  }
}

TEST(ConditionOperators, MatchNothingOfAnotherType) {
  for (const Row& row : rows()) {
    if (std::string_view(row.op).find("String") != std::string_view::npos) continue;
    EXPECT_EQ(holds(row.op, row.wanted, {"what is this?"}), row.negated) << row.op;
    EXPECT_EQ(holds(row.op, row.wanted, {""}), row.negated) << row.op;
  }
}

TEST(NullCondition, AsksWhetherTheKeyIsThere) {
  EXPECT_TRUE(holds("Null", {"true"}, {}));
  EXPECT_FALSE(holds("Null", {"false"}, {}));
  EXPECT_FALSE(holds("Null", {"true"}, {"x"}));
  EXPECT_TRUE(holds("Null", {"false"}, {"x"}));
  EXPECT_TRUE(holds("Null", {"TRUE"}, {}));
  EXPECT_TRUE(holds("Null", {"true", "false"}, {"x"}));
  Condition condition;
  ASSERT_TRUE(parse_operator("Null", condition));
  condition.key = ConditionKey("test:key");
  condition.values = {"true"};
  EXPECT_TRUE(
      holds(condition, Given(Given::Map{{"test:key", Strings{}}}), true));  // no values are none
}

TEST(DateCondition, ReadsIso8601AndEpochTimes) {
  for (const char* same :
       {"1795485600", "1795485600.0", "2026-11-24T02:00Z", "2026-11-24T02:00:00Z",
        "2026-11-24T02:00:00.000Z", "2026-11-24T04:30:00+02:30", "2026-11-23T21:00:00-05:00"}) {
    EXPECT_TRUE(holds("DateEquals", {"2026-11-24T02:00:00Z"}, {same})) << same;
    EXPECT_TRUE(is_fitting_value(Comparison::date_equals, same)) << same;
  }
  EXPECT_TRUE(holds("DateEquals", {"1970-01-01"}, {"0"}));
  EXPECT_TRUE(holds("DateEquals", {"2024-02-29"}, {"1709164800"}));
  EXPECT_TRUE(holds("DateLessThan", {"2026-11-24T02:00:00.5Z"}, {"2026-11-24T02:00:00.25Z"}));
  EXPECT_TRUE(holds("DateEquals", {"-1"}, {"1969-12-31T23:59:59Z"}));
}

TEST(DateCondition, RefusesWhatIsNoDate) {
  for (const char* text : {"",
                           "tomorrow",
                           "2026",
                           "2026-11",
                           "2026-13-01",
                           "2025-02-29",
                           "2026-11-24T",
                           "2026-11-24T02",
                           "2026-11-24T02:00",
                           "2026-11-24T24:00Z",
                           "2026-11-24T02:60Z",
                           "2026-11-24T02:00:61Z",
                           "2026-11-24T02:00:Z",
                           "2026-11-24T02:00:nanZ",
                           "2026-11-24T-1:00Z",
                           "2026-11-24T-0:00Z",
                           "2026-11-24 02:00Z",
                           "2026-11-24T02:00:00+2:00",
                           "2026-11-24T02:00:00+24:00",
                           "2026-11-24T02:00:00ZZ",
                           "2026/11/24",
                           "20261124T020000Z",
                           "26-11-24",
                           "nan",
                           "inf"}) {
    if (std::string_view(text) == "2026") continue;  // seconds
    EXPECT_FALSE(is_fitting_value(Comparison::date_equals, text)) << text;
    EXPECT_FALSE(holds("DateLessThan", {"2038-01-01"}, {text})) << text;
    EXPECT_FALSE(holds("DateGreaterThan", {"1960-01-01"}, {text})) << text;
  }
}

TEST(NumericCondition, KnowsDecimalNumbersOnly) {
  for (const char* text : {"0", "-1", "1.5", "007", "12345678901234"}) {
    EXPECT_TRUE(is_fitting_value(Comparison::numeric_equals, text)) << text;
  }
  for (const char* text : {"", "-", "x", "1x", "1 ", " 1", "0x10", "1e5", "1,5", "nan", "inf",
                           "-inf", "infinity", "1.2.3", "--1", "1-"}) {
    EXPECT_FALSE(is_fitting_value(Comparison::numeric_equals, text)) << text;
    EXPECT_FALSE(holds("NumericLessThan", {"100"}, {text})) << text;
    EXPECT_FALSE(holds("NumericGreaterThanEquals", {"-100"}, {text})) << text;
  }
  EXPECT_TRUE(holds("NumericEquals", {"7"}, {"007"}));
}

TEST(BoolCondition, TakesEitherCase) {
  EXPECT_TRUE(holds("Bool", {"True"}, {"true"}));
  EXPECT_TRUE(holds("Bool", {"FALSE"}, {"false"}));
  EXPECT_FALSE(holds("Bool", {"true"}, {"1"}));
  EXPECT_FALSE(is_fitting_value(Comparison::boolean, "yes"));
  EXPECT_FALSE(is_fitting_value(Comparison::null, "1"));
}

TEST(BinaryCondition, ComparesBytes) {
  EXPECT_TRUE(holds("BinaryEquals", {""}, {""}));
  EXPECT_FALSE(holds("BinaryEquals", {"YQ=="}, {"a"}));
  EXPECT_FALSE(holds("BinaryEquals", {"YQ=="}, {"yQ=="}));
  EXPECT_FALSE(is_fitting_value(Comparison::binary_equals, "YQ"));
}

TEST(IpAddressCondition, KnowsBothFamilies) {
  const auto in = [](const char* range, const char* host) {
    return holds("IpAddress", {range}, {host});
  };
  EXPECT_TRUE(in("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(in("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(in("192.0.2.0/25", "192.0.2.127"));
  EXPECT_FALSE(in("192.0.2.0/25", "192.0.2.128"));
  EXPECT_TRUE(in("192.0.2.77/24", "192.0.2.1"));  // the host's bits count for nothing
  EXPECT_TRUE(in("192.0.2.1/32", "192.0.2.1"));
  EXPECT_TRUE(in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(in("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(in("2001:db8::/32", "2001:db9::1"));
  EXPECT_TRUE(in("2001:DB8::1", "2001:0db8:0:0::1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::"));
}

TEST(IpAddressCondition, TakesWrappedIpv4ForIpv4) {
  EXPECT_TRUE(holds("IpAddress", {"10.0.0.0/8"}, {"::ffff:10.1.2.3"}));
  EXPECT_TRUE(holds("IpAddress", {"::ffff:10.0.0.0/104"}, {"10.1.2.3"}));
  EXPECT_FALSE(holds("IpAddress", {"::ffff:10.0.0.0/104"}, {"11.1.2.3"}));
  EXPECT_TRUE(holds("IpAddress", {"::ffff:0:0/96"}, {"11.1.2.3"}));
}

// Once "::/0" held IPv4 too, because that is written as IPv6 within.
TEST(IpAddressCondition, KeepsTheFamiliesApart) {
  EXPECT_TRUE(holds("IpAddress", {"::/0"}, {"2001:db8::1"}));
  EXPECT_FALSE(holds("IpAddress", {"::/0"}, {"10.1.2.3"}));
  EXPECT_FALSE(holds("IpAddress", {"::/0"}, {"::ffff:10.1.2.3"}));
  EXPECT_FALSE(holds("IpAddress", {"0.0.0.0/0"}, {"2001:db8::1"}));
  EXPECT_FALSE(holds("IpAddress", {"0.0.0.0/0"}, {"::1"}));
  EXPECT_FALSE(holds("NotIpAddress", {"0.0.0.0/0", "::/0"}, {"::1"}));
}

TEST(IpAddressCondition, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "10", "10.0.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/-0",
        "10.0.0.0/8x", "/8", "::/129", "::g", "10.0.0.0/8/8", "example.com", "010.0.0.1"}) {
    EXPECT_FALSE(is_fitting_value(Comparison::ip_address, text)) << text;
  }
  EXPECT_FALSE(holds("IpAddress", {"10.0.0.0/8"}, {"10.0.0.0/8"}));  // a request comes from one
}

TEST(ArnCondition, LooksAtEachPartByItself) {
  const auto fits = [](const char* pattern, const char* arn) {
    return holds("ArnLike", {pattern}, {arn});
  };
  constexpr const char* kUser = "arn:aws:iam::123456789012:user/team/alice";
  EXPECT_TRUE(fits(kUser, kUser));
  EXPECT_TRUE(fits("arn:*:*:*:*:*", kUser));
  EXPECT_TRUE(fits("arn:aws:iam::*:user/*", kUser));
  EXPECT_TRUE(fits("arn:aws:ia?::1234*:*alice", kUser));
  EXPECT_FALSE(fits("arn:aws:iam:*:user/team/alice", kUser));  // "*" does not reach over a colon
  EXPECT_FALSE(fits("arn:*", kUser));
  EXPECT_FALSE(fits("arn:aws:iam::*:User/*", kUser));
  EXPECT_TRUE(fits("arn:aws:kms:*:*:key/*", "arn:aws:kms:us-east-1:1:key/a:b"));  // but in the last
  EXPECT_FALSE(fits("arn:aws:iam::*:user/*", "alice"));
}

// Once a Deny with it never applied.
TEST(ArnCondition, TakesAStarAloneForEveryArn) {
  constexpr const char* kUser = "arn:aws:iam::123456789012:user/team/alice";
  for (const char* const op : {"ArnLike", "ArnEquals"}) {
    EXPECT_TRUE(holds(op, {"*"}, {kUser})) << op;
    EXPECT_FALSE(holds(op, {"*"}, {"alice"})) << op;
    EXPECT_FALSE(holds(op, {"*"}, {"a:b:c:d:e:f"})) << op;
    EXPECT_FALSE(holds(op, {"*"}, {})) << op;
    EXPECT_FALSE(holds(op, {"${*}"}, {kUser})) << op;  // the character
  }
  for (const char* const op : {"ArnNotLike", "ArnNotEquals"}) {
    EXPECT_FALSE(holds(op, {"*"}, {kUser})) << op;
    EXPECT_TRUE(holds(op, {"*"}, {"alice"})) << op;
    EXPECT_TRUE(holds(op, {"*"}, {})) << op;
  }
}

TEST(PolicyVariables, AreFilledIn) {
  const Given source(Given::Map{{"aws:username", {"alice"}},
                                {"aws:principaltag/team", {"blue"}},
                                {"aws:tagkeys", {"a", "b"}}});
  const auto filled = [&](const char* text) {
    return with_variables(text, source).value_or("(none)");
  };
  EXPECT_EQ(filled("plain"), "plain");
  EXPECT_EQ(filled("${aws:username}"), "alice");
  EXPECT_EQ(filled("${AWS:UserName}"), "alice");
  EXPECT_EQ(filled("a/${aws:username}/${aws:PrincipalTag/team}/*"), "a/alice/blue/*");
  EXPECT_EQ(filled("${aws:PrincipalTag/team, 'none'}"), "blue");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing, 'none'}"), "none");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing,'none'}"), "none");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing, ''}"), "");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing, 'it''s, ''so'''}"), "it's, 'so'");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing, ''''}"), "'");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing}"), "(none)");
  EXPECT_EQ(filled("${aws:PrincipalTag/nothing, none}"), "(none)");
  EXPECT_EQ(filled("${aws:TagKeys}"), "(none)");  // several values
  EXPECT_EQ(filled("${aws:username"), "${aws:username");
  EXPECT_EQ(filled("$aws:username}"), "$aws:username}");
  EXPECT_EQ(filled("${$}{aws:username}"), "${aws:username}");
  EXPECT_EQ(filled("${}"), "(none)");
}

// Once a policy that names a long variable often, and a request with many values, took minutes.
TEST(PolicyVariables, AreNotFilledInWithoutBound) {
  const Given source(Given::Map{{"aws:useragent", {std::string(1024, 'x')}},
                                {"k", {std::string(16 * 1024, 'x'), "y"}}});
  const auto times = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "${aws:useragent}";
    return text;
  };
  EXPECT_EQ(with_variables(times(16), source), std::string(16 * 1024, 'x'));
  EXPECT_EQ(with_variables(times(17), source), std::nullopt);
  Condition condition;
  ASSERT_TRUE(parse_operator("ForAnyValue:StringEquals", condition));
  condition.key = ConditionKey("k");
  condition.values = {times(17), times(16)};
  EXPECT_TRUE(kms::auth::holds(condition, source, true));
  condition.values = {times(17)};
  EXPECT_FALSE(kms::auth::holds(condition, source, true));
}

TEST(PolicyVariables, GiveNoWildcards) {
  const Given source(Given::Map{{"aws:username", {"a*"}}});
  const auto fits = [&](const char* pattern, const char* text) {
    return like(with_variables(pattern, source).value(), text);
  };
  EXPECT_TRUE(fits("${aws:username}", "a*"));
  EXPECT_FALSE(fits("${aws:username}", "alice"));
  EXPECT_TRUE(fits("${aws:username}*", "a*lice"));
  EXPECT_TRUE(fits("${*}", "*"));
  EXPECT_FALSE(fits("${*}", "x"));
  EXPECT_TRUE(fits("${?}*", "?x"));
  EXPECT_FALSE(fits("${?}", "x"));
  EXPECT_TRUE(fits("x${$}*", "x$1"));
}

TEST(PolicyVariables, AreOfNewVersionsAndOfStringsOnly) {
  const Given source(
      {{"aws:username", {"alice"}}, {"test:key", {"alice"}}, {"test:odd", {"${aws:username}"}}});
  const auto says = [&](const char* op, const char* key, const char* value, bool variables) {
    Condition condition;
    EXPECT_TRUE(parse_operator(op, condition));
    condition.key = ConditionKey(key);
    condition.values = {value};
    return holds(condition, source, variables);
  };
  for (const char* op : {"StringEquals", "StringEqualsIgnoreCase", "StringLike"}) {
    EXPECT_TRUE(says(op, "test:key", "${aws:username}", true)) << op;
    EXPECT_FALSE(says(op, "test:key", "${aws:username}", false)) << op;
    EXPECT_TRUE(says(op, "test:odd", "${aws:username}", false)) << op;
    EXPECT_FALSE(says(op, "test:key", "${aws:nothing}", true)) << op;
    EXPECT_TRUE(says(op, "test:key", "${aws:nothing, 'alice'}", true)) << op;
  }
  EXPECT_TRUE(says("StringNotEquals", "test:key", "${aws:nothing}", true));
  EXPECT_FALSE(says("StringNotLike", "test:key", "${aws:username}", true));
}

TEST(PolicyVariables, MatchArns) {
  const Given source(
      {{"aws:username", {"alice"}}, {"aws:principalarn", {"arn:aws:iam::1:user/alice"}}});
  Condition condition;
  ASSERT_TRUE(parse_operator("ArnLike", condition));
  condition.key = ConditionKey("aws:PrincipalArn");
  condition.values = {"arn:aws:iam::*:user/${aws:username}"};
  EXPECT_TRUE(holds(condition, source, true));
  EXPECT_FALSE(holds(condition, source, false));
}

TEST(Like, MatchesActionsAsIamDoes) {
  for (const char* pattern :
       {"*", "kms:*", "kms:DescribeKey", "KMS:describekey", "kms:Describe*", "kms:*Key", "kms:D*K*",
        "kms:Describe???", "k*y", "**", "kms:DescribeKey*", "*kms:DescribeKey", "kms:*e*e*e*"}) {
    EXPECT_TRUE(like(pattern, "kms:DescribeKey", true)) << pattern;
  }
  for (const char* pattern :
       {"", "kms:Describe", "kms:Describe?", "kms:Describe????", "kms:DescribeKeys", "s3:*", "kms",
        "DescribeKey", "kms:*x", "kms:*Keys*", "?", "kms:*e*e*e*e*"}) {
    EXPECT_FALSE(like(pattern, "kms:DescribeKey", true)) << pattern;
  }
  EXPECT_FALSE(like("KMS:describekey", "kms:DescribeKey"));
  EXPECT_TRUE(like("*", ""));
  EXPECT_TRUE(like("", ""));
  EXPECT_FALSE(like("?", ""));
  EXPECT_FALSE(like("", "x"));
}

TEST(Like, TakesMarkedCharactersForThemselves) {
  EXPECT_TRUE(like("a\x01*", "a*"));
  EXPECT_FALSE(like("a\x01*", "ab"));
  EXPECT_FALSE(like("a\x01*", "a"));
  EXPECT_TRUE(like("*\x01?*", "what?"));
  EXPECT_FALSE(like("*\x01?*", "what"));
}

// Once "?" was one byte.
TEST(Like, KnowsCharactersOfUtf8) {
  EXPECT_TRUE(like("caf?", "caf\u00e9"));
  EXPECT_FALSE(like("caf??", "caf\u00e9"));
  EXPECT_TRUE(like("*?\u00e9", "\u20ac\u00e9"));
  EXPECT_FALSE(like("*??\u00e9", "\u20ac\u00e9"));
  EXPECT_TRUE(like("caf\u00e9", "caf\u00e9"));
  EXPECT_FALSE(like("caf\u00e8", "caf\u00e9"));
}

TEST(Like, CostsNoMoreThanTheProductOfTheLengths) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(like(pattern + "b", std::string(5000, 'a')));
  EXPECT_TRUE(like(std::string(5000, '*'), std::string(5000, 'a')));
}

}  // namespace
}  // namespace kms::auth
