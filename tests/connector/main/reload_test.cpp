#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/support/daemon_process.h"
#include "tests/support/temp_dir.h"

// SIGHUP, seen from outside: the process, its log and what it answers.
namespace kms {
namespace {

using test::ApiClient;
using test::Credentials;
using test::DaemonProcess;
using test::Reply;

constexpr std::chrono::seconds kPatience{60};

const Credentials kNewKey{"AKIANEWKEYEXAMPLE000", "the secret of an access key that is new", ""};

class Reload : public testing::Test {
 protected:
  explicit Reload(DaemonProcess::Options options = {})
      : daemon_(KMS_CONNECTORD, std::move(options)) {
    daemon_.start();
    text_ = test::read_file(file());
    std::ofstream(daemon_.path() / "new-secret") << kNewKey.secret;
    std::filesystem::permissions(
        daemon_.path() / "new-secret",
        std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  [[nodiscard]] std::filesystem::path file() const { return daemon_.path() / "config.yaml"; }
  /// Has the daemon read this text; the line of the log that it answers with.
  std::string reload(const std::string& text) {
    std::ofstream(file()) << text;
    daemon_.process().signal(SIGHUP);
    ++reloads_;
    std::size_t seen = 0;
    const auto line = daemon_.process().wait_for_error_line(
        [&](std::string_view each) {
          return each.find(kAnswer) != std::string_view::npos && ++seen == reloads_;
        },
        kPatience);
    return line ? line->substr(line->find(kAnswer) + kSource.size()) : "no answer";
  }
  [[nodiscard]] std::string outcome(const Credentials& caller) const {
    const auto reply = ApiClient(daemon_.port(), caller).call("ListKeys", "{}");
    if (!reply) return "no answer";
    return reply->ok() ? "200" : reply->at("/__type");
  }
  /// `text_` with something put in its place.
  [[nodiscard]] std::string with(std::string_view from, std::string_view to) const {
    std::string text = text_;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  static constexpr std::string_view kSource = "main: ";
  static constexpr std::string_view kAnswer = "main: configuration ";
  DaemonProcess daemon_;
  std::size_t reloads_ = 0;
  std::string text_;
};

TEST_F(Reload, AccessKeysAreReplacedWithoutAGap) {
  EXPECT_EQ(outcome(test::admin()), "200");
  EXPECT_EQ(outcome(kNewKey), "UnrecognizedClientException");
  const std::string old_key = "AKIAIOSFODNN7EXAMPLE: {secret: {file: secret}}";
  const std::string new_key = ", AKIANEWKEYEXAMPLE000: {secret: {file: new-secret}}";

  EXPECT_EQ(reload(with(old_key, old_key + new_key)), "configuration reloaded");
  EXPECT_EQ(outcome(test::admin()), "200");
  EXPECT_EQ(outcome(kNewKey), "200");

  EXPECT_EQ(reload(with(old_key,
                        "AKIAIOSFODNN7EXAMPLE: {secret: {file: secret}, active: false}" + new_key)),
            "configuration reloaded");
  EXPECT_EQ(outcome(test::admin()), "UnrecognizedClientException");
  EXPECT_EQ(outcome(kNewKey), "200");
}

TEST_F(Reload, PoliciesAreInEffectForNewRequests) {
  EXPECT_EQ(reload(with("Action: \"*\"", "Action: kms:Encrypt")), "configuration reloaded");
  EXPECT_EQ(outcome(test::admin()), "AccessDeniedException");
  EXPECT_EQ(reload(text_), "configuration reloaded");
  EXPECT_EQ(outcome(test::admin()), "200");
}

/// With an access key whose secret is in an environment variable.
class ReloadWithEnvironment : public Reload {
 protected:
  ReloadWithEnvironment()
      : Reload({.environment = {{"KMS_TEST_SECRET", kNewKey.secret}},
                .more_configuration =
                    "  arn:aws:iam::123456789012:user/other:\n"
                    "    access_keys: {AKIANEWKEYEXAMPLE000: {secret: {env: KMS_TEST_SECRET}}}\n"
                    "    policy: [{Effect: Allow, Action: \"*\", Resource: \"*\"}]\n"}) {}
};

// Once every reload was refused, a revocation too: the variables were gone after the start.
TEST_F(ReloadWithEnvironment, ItsSecretsAreKept) {
  EXPECT_EQ(outcome(kNewKey), "200");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(reload(text_), "configuration reloaded");
  EXPECT_EQ(outcome(kNewKey), "200");
  EXPECT_EQ(reload(with("{env: KMS_TEST_SECRET}", "{env: KMS_TEST_SECRET}, active: false")),
            "configuration reloaded");
  EXPECT_EQ(outcome(kNewKey), "UnrecognizedClientException");
  EXPECT_EQ(reload(text_), "configuration reloaded");
  EXPECT_EQ(outcome(kNewKey), "200");
  EXPECT_THAT(reload(with("{env: KMS_TEST_SECRET}", "{env: KMS_TEST_ABSENT}")),
              testing::EndsWith(".secret.env: no such environment variable"));
  EXPECT_EQ(outcome(kNewKey), "200");
}

TEST_F(Reload, AFaultChangesNothing) {
  const std::string kept = "configuration not reloaded, what was in effect stays: ";
  // The first principal is gone, the second is at fault.
  const std::string key = "    access_keys: {AKIAIOSFODNN7EXAMPLE: {secret: {file: secret}}}\n";
  EXPECT_EQ(reload(with(key, "") + "  \"arn:aws:iam::123456789012:user/x\": {polcy: []}\n"),
            kept + file().string() +
                ":23:40: principals.arn:aws:iam::123456789012:user/x.polcy: unknown key; did you "
                "mean policy?");
  EXPECT_EQ(outcome(test::admin()), "200");
  EXPECT_THAT(reload(with("Effect: Allow", "Effect: Perhaps")),
              testing::StartsWith(kept + file().string() +
                                  ":23:23: principals.arn:aws:iam::123456789012:user/admin.policy"
                                  "[0].Effect: "));
  EXPECT_EQ(outcome(test::admin()), "200");
  EXPECT_EQ(reload("accounts:"), kept + file().string() + ":1:1: storage: missing");
  EXPECT_EQ(outcome(test::admin()), "200");
}

TEST_F(Reload, TheRestWaitsForARestart) {
  EXPECT_EQ(reload(with("interval: 20ms", "interval: 30ms")), "configuration reloaded");
  const auto warning = daemon_.process().wait_for_error_line(
      [](std::string_view line) {
        return line.ends_with("main: jobs was changed: that needs a restart");
      },
      kPatience);
  EXPECT_TRUE(warning) << daemon_.process().error_output();
  EXPECT_EQ(outcome(test::admin()), "200");
}

TEST_F(Reload, AnAccountThatIsNewWaitsForARestart) {
  EXPECT_EQ(reload(with("[\"123456789012\"]", "[\"123456789012\", \"111122223333\"]") +
                   "  arn:aws:iam::111122223333:user/bob: {}\n"),
            "configuration not reloaded, what was in effect stays: "
            "principals.arn:aws:iam::111122223333:user/bob: its account is served after a restart "
            "only");
}

}  // namespace
}  // namespace kms
