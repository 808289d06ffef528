#include "connector/auth/session_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "connector/api/error.h"
#include "connector/auth/temporary_credentials.h"
#include "connector/base/encodings.h"
#include "tests/connector/auth/fixture.h"

namespace kms::auth::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// A master key outside of any token, and how often it was used.
class Master {
 public:
  explicit Master(std::string key = "master") : key_(std::move(key)) {}
  HourlyKeys::Derive derive() {
    return [this](ByteView message) {
      ++derivations;
      if (absent) throw api::internal_error();
      return SecretBytes::copy_of(ByteView(hmac_sha256(as_bytes(key_), message)));
    };
  }
  std::atomic<int> derivations = 0;
  std::atomic<bool> absent = false;

 private:
  std::string key_;
};

SessionClaims example_claims(const Clock& clock) {
  SessionClaims claims;
  claims.access_key_id = "ASIAABCDEFGHIJKLMNOP";
  claims.principal_arn = "arn:aws:iam::123456789012:role/path/app";
  claims.principal_id = "AROAEXAMPLE";
  claims.session_name = "session@1";
  claims.issued = clock.now();
  claims.expires = clock.now() + hours(1);
  claims.policies = {R"({"Statement":[]})"};
  claims.tags = {{"team", "\u20AC"}, {"Zone", ""}};
  claims.transitive_tag_keys = {"team"};
  return claims;
}

class SessionToken : public testing::Test {
 protected:
  StandingClock clock_;
  Master master_;
  HourlyKeys keys_{master_.derive(), clock_, hours(1)};
  SessionTokens tokens_{keys_, clock_};
  SessionClaims claims_ = example_claims(clock_);
  SessionTokens::Issued issued_ = tokens_.issue(claims_);

  [[nodiscard]] auto open(std::string_view token) {
    return tokens_.open(token, claims_.access_key_id);
  }
};

TEST_F(SessionToken, SaysAgainWhatWasSaid) {
  const auto opened = open(issued_.token);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->claims, claims_);
  EXPECT_FALSE(opened->expired);
  EXPECT_TRUE(opened->secret_access_key.equals(issued_.secret_access_key.view()));
  EXPECT_EQ(issued_.secret_access_key.size(), 40U);
}

TEST_F(SessionToken, KeepsEmptyListsAndNames) {
  claims_.kind = SessionClaims::Kind::user;
  claims_.session_name.clear();
  claims_.policies.clear();
  claims_.tags.clear();
  claims_.transitive_tag_keys.clear();
  const auto opened = open(tokens_.issue(claims_).token);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->claims, claims_);
}

TEST_F(SessionToken, IsRefusedWithAnyBitFlipped) {
  const Bytes token = *from_base64(issued_.token);
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    Bytes changed = token;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    ASSERT_FALSE(open(to_base64(changed))) << bit;
  }
}

TEST_F(SessionToken, IsRefusedCutOffAndWithMore) {
  const Bytes token = *from_base64(issued_.token);
  for (std::size_t size = 0; size < token.size(); ++size) {
    ASSERT_FALSE(open(to_base64(ByteView(token).first(size)))) << size;
  }
  Bytes more = token;
  more.push_back(0);
  EXPECT_FALSE(open(to_base64(more)));
  EXPECT_FALSE(open(issued_.token + "="));
  EXPECT_FALSE(open(issued_.token + "\n"));
  EXPECT_FALSE(open(" " + issued_.token));
  EXPECT_FALSE(open(""));
  EXPECT_FALSE(open("!"));
  EXPECT_FALSE(open(std::string(100'000, 'A')));
}

TEST_F(SessionToken, IsOfOneAccessKey) {
  EXPECT_FALSE(tokens_.open(issued_.token, "ASIAABCDEFGHIJKLMNOQ"));
  EXPECT_FALSE(tokens_.open(issued_.token, ""));
  SessionClaims other = claims_;
  other.access_key_id = "ASIAABCDEFGHIJKLMNOQ";
  EXPECT_FALSE(tokens_.issue(other).secret_access_key.equals(issued_.secret_access_key.view()));
}

TEST_F(SessionToken, IsOfOneMasterKey) {
  Master other("other");
  HourlyKeys keys(other.derive(), clock_);
  SessionTokens tokens(keys, clock_);
  EXPECT_FALSE(tokens.open(issued_.token, claims_.access_key_id));
}

TEST_F(SessionToken, OpensWithoutAnyMemoryOfIt) {
  HourlyKeys keys(master_.derive(), clock_);
  SessionTokens tokens(keys, clock_);
  const auto opened = tokens.open(issued_.token, claims_.access_key_id);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->secret_access_key.equals(issued_.secret_access_key.view()));
}

TEST_F(SessionToken, Expires) {
  clock_.advance(hours(1) - std::chrono::milliseconds(1));
  EXPECT_FALSE(open(issued_.token)->expired);
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(open(issued_.token)->expired);
}

TEST_F(SessionToken, LivesForThirtySixHours) {
  claims_.expires = claims_.issued + kLongestSession;
  const auto issued = tokens_.issue(claims_);
  clock_.advance(kLongestSession - std::chrono::milliseconds(1));
  ASSERT_TRUE(open(issued.token));
  EXPECT_FALSE(open(issued.token)->expired);
}

/// The same token, but of another hour.
std::string of_hour(const std::string& token, std::int64_t hour) {
  Bytes bytes = *from_base64(token);
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[1 + i] = static_cast<std::uint8_t>(hour >> (24 - 8 * i));
  }
  return to_base64(bytes);
}

TEST_F(SessionToken, OfAnHourThatCannotBeCostsTheTokenNothing) {
  const auto hour = keys_.now();
  const int before = master_.derivations;
  for (const std::int64_t other : {hour + 1, hour + 1000, hour - 37, std::int64_t{0}}) {
    EXPECT_FALSE(open(of_hour(issued_.token, other))) << other;
  }
  EXPECT_EQ(master_.derivations, before);
}

TEST_F(SessionToken, JunkCostsOneDerivationAnHour) {
  const auto hour = keys_.now();
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t other = hour - 40; other < hour + 3; ++other) {
      EXPECT_EQ(open(of_hour(issued_.token, other)).has_value(), other == hour);
    }
  }
  EXPECT_EQ(master_.derivations, 37);  // this hour and the 36 before it
}

TEST_F(SessionToken, IsNotCalledInvalidWhileThatCannotBeTold) {
  clock_.advance(hours(2));
  claims_.issued = clock_.now();
  claims_.expires = clock_.now() + hours(1);
  Master same;
  HourlyKeys keys(same.derive(), clock_);
  const std::string unknown = SessionTokens(keys, clock_).issue(claims_).token;
  master_.absent = true;
  EXPECT_THROW((void)open(unknown), api::Error);
  EXPECT_TRUE(open(issued_.token)->expired);  // its key is known
}

TEST(HourlyKeys, AreNotAskedForInALoopWhileTheTokenIsAbsent) {
  StandingClock clock;
  Master master;
  master.absent = true;
  HourlyKeys keys(master.derive(), clock, hours(1));
  for (int i = 0; i < 100; ++i) EXPECT_THROW((void)keys.get(keys.now() - i % 30), api::Error);
  EXPECT_EQ(master.derivations, 1);
}

TEST(HourlyKeys, ComeBackWithTheToken) {
  StandingClock clock;
  Master master;
  master.absent = true;
  HourlyKeys keys(master.derive(), clock, seconds(0));
  EXPECT_THROW((void)keys.get(keys.now()), api::Error);
  master.absent = false;
  EXPECT_NE(keys.get(keys.now()), nullptr);
}

TEST(HourlyKeys, AreDerivedOnceForMany) {
  StandingClock clock;
  Master master;
  HourlyKeys keys(master.derive(), clock);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) EXPECT_NE(keys.get(keys.now() - round % 5), nullptr);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(master.derivations, 5);
}

TEST(HourlyKeys, AreForgottenWithTheLastTokenOfTheirHour) {
  StandingClock clock;
  Master master;
  HourlyKeys keys(master.derive(), clock);
  const auto first = keys.now();
  const HourlyKeys::Key key = keys.get(first);
  clock.advance(kLongestSession);
  EXPECT_EQ(keys.get(first), key);
  clock.advance(hours(1));
  EXPECT_EQ(keys.get(first), nullptr);
  EXPECT_NE(keys.get(keys.now()), nullptr);
  EXPECT_EQ(key.use_count(), 1);
}

TEST(HourlyKeys, OfAClockThatWasSetBackALittle) {
  StandingClock clock;
  Master master;
  HourlyKeys keys(master.derive(), clock);
  clock.set(std::chrono::floor<hours>(clock.now()));
  const auto hour = keys.now();
  clock.advance(-minutes(5));
  EXPECT_NE(keys.get(hour), nullptr);
  clock.advance(-seconds(1));
  EXPECT_EQ(keys.get(hour), nullptr);
}

TEST(SessionAccessKeyId, IsOneOfTemporaryCredentials) {
  SystemRandom random;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = make_session_access_key_id(random);
    ASSERT_EQ(id.size(), 20U);
    ASSERT_EQ(id.substr(0, 4), "ASIA");
    ASSERT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), std::string::npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000U);
}

TEST(PackedSize, IsRoundedUp) {
  SessionClaims claims;
  EXPECT_EQ(packed_size_percent(claims), 0U);
  claims.policies = {"x"};
  EXPECT_EQ(packed_size_percent(claims), 1U);
  claims.policies = {std::string(4094, 'x')};
  EXPECT_EQ(packed_size_percent(claims), 100U);
  claims.policies[0] += 'x';
  EXPECT_EQ(packed_size_percent(claims), 101U);
}

}  // namespace
}  // namespace kms::auth::test
