#include <gtest/gtest.h>

#include "connector/auth/sigv4.h"
#include "tests/connector/auth/fixture.h"

// What the verifier makes of temporary credentials; that of their tokens is tested apart.
namespace kms::auth {
namespace {

using test::sign;
using test::verdict;

constexpr std::string_view kId = "ASIAEXAMPLE";
constexpr std::string_view kSecret = "the secret of a session of the role app ";
constexpr std::string_view kInvalid =
    "UnrecognizedClientException: The security token included in the request is invalid";

/// One session, of the role app, under the token "good"; "old" has expired.
class OneSession final : public SessionCredentials {
 public:
  [[nodiscard]] Found find(std::string_view access_key_id, std::string_view session_token,
                           const Identities& identities) const override {
    Found found;
    if (access_key_id != kId) return found;
    if (session_token == "old") found.status = Status::expired;
    if (session_token != "good") return found;
    auto session = std::make_shared<Session>();
    session->name = "ci";
    session->issued = test::StandingClock().now() - std::chrono::hours(1);
    found.status = Status::valid;
    found.secret = SecretBytes::copy_of(kSecret);
    found.caller = {.arn = "arn:aws:sts::123456789012:assumed-role/app/ci",
                    .account = "123456789012",
                    .type = "AssumedRole",
                    .principal_id = "AROAAPP:ci",
                    .user_name = "",
                    .access_key_id = std::string(access_key_id),
                    .principal = identities.principal("arn:aws:iam::123456789012:role/app"),
                    .session = session};
    return found;
  }
};

class VerifierSessions : public testing::Test {
 protected:
  VerifierSessions() {
    config::Principal& app = config_.principals.emplace_back();
    app.arn = "arn:aws:iam::123456789012:role/app";
    app.account = "123456789012";
    app.name = "app";
    identities_.replace(std::make_shared<const Identities>(config_));
  }
  /// Token: "" for none.
  static api::Request request(const std::string& token, const test::Signing& signing) {
    api::Request made = test::example_request();
    if (!token.empty()) made.headers.add("X-Amz-Security-Token", token);
    sign(made, signing);
    return made;
  }
  [[nodiscard]] std::string verdict_of(const std::string& token,
                                       const std::string& secret = std::string(kSecret)) const {
    return verdict(verifier_,
                   request(token, {.access_key_id = std::string(kId), .secret = secret}));
  }

  config::Config config_ = test::example_config();
  test::StandingClock clock_;
  OneSession sessions_;
  IdentityDirectory identities_{std::make_shared<const Identities>(config_)};
  SignatureVerifier verifier_{config_,
                              {.identities = identities_, .clock = clock_, .sessions = &sessions_}};
};

TEST_F(VerifierSessions, AreTheSessionsCaller) {
  const Identity identity = verifier_.verify(
      request("good", {.access_key_id = std::string(kId), .secret = std::string(kSecret)}));
  EXPECT_EQ(identity.caller.arn, "arn:aws:sts::123456789012:assumed-role/app/ci");
  EXPECT_EQ(identity.caller.principal->arn, "arn:aws:iam::123456789012:role/app");
  EXPECT_EQ(identity.caller.session->name, "ci");
}

TEST_F(VerifierSessions, NeedTheirToken) {
  EXPECT_EQ(verdict_of("good"), "accepted");
  EXPECT_EQ(verdict_of(""), kInvalid);
  EXPECT_EQ(verdict_of("bad"), kInvalid);
  EXPECT_EQ(verdict_of("old"),
            "ExpiredTokenException: The security token included in the request is expired");
}

TEST_F(VerifierSessions, NeedTheirSecret) {
  EXPECT_EQ(verdict_of("good", "another"), test::kMismatch);
}

TEST_F(VerifierSessions, AreNoneWithoutSessions) {
  const SignatureVerifier without(config_, {.identities = identities_, .clock = clock_});
  EXPECT_EQ(verdict(without, request("good", {.access_key_id = std::string(kId),
                                              .secret = std::string(kSecret)})),
            kInvalid);
}

TEST_F(VerifierSessions, TokenWithAnAccessKeyOfAUserIsRefused) {
  EXPECT_EQ(verdict(verifier_, request("good", {})), kInvalid);
}

TEST_F(VerifierSessions, EndWhenTheRoleSaysSo) {
  const auto began = std::chrono::floor<std::chrono::seconds>(clock_.now()) - std::chrono::hours(1);
  config_.principals.back().sessions_not_before = began;
  identities_.replace(std::make_shared<const Identities>(config_));
  EXPECT_EQ(verdict_of("good"), "accepted");
  config_.principals.back().sessions_not_before = began + std::chrono::seconds(1);
  identities_.replace(std::make_shared<const Identities>(config_));
  EXPECT_EQ(verdict_of("good"),
            "ExpiredTokenException: The security token included in the request is expired");
}

}  // namespace
}  // namespace kms::auth
