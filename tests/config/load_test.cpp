#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/config/files.h"

namespace config {
namespace {

using test::Files;
using test::kMinimal;
using test::replaced;
using test::replaced_all;

class Load : public testing::Test {
 protected:
  Files files_;
};

TEST_F(Load, FillsInTheDefaults) {
  const Config config = load(files_.write("config.yaml", kMinimal).string());
  EXPECT_EQ(config.partition, "aws");
  EXPECT_THAT(config.accounts, testing::ElementsAre("123456789012", "111122223333"));
  EXPECT_EQ(config.default_region, "us-east-1");
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].address, "127.0.0.1");
  EXPECT_EQ(config.listeners[0].port, 8080);
  EXPECT_EQ(config.admin.port, 8081);
  EXPECT_EQ(config.limits.max_body_bytes, 1048576U);
  EXPECT_EQ(config.storage.sqlite, (files_.path() / "kms.sqlite").string());
  EXPECT_EQ(config.audit.file, (files_.path() / "audit.jsonl").string());
  ASSERT_EQ(config.regions.size(), 1U);
  EXPECT_EQ(config.regions[0].token.module, (files_.path() / "module.so").string());
  EXPECT_EQ(config.regions[0].token.selector.label, "us-east-1");
  EXPECT_EQ(config.regions[0].token.selector.serial, std::nullopt);
  EXPECT_EQ(config.regions[0].token.sessions, 16U);
  ASSERT_EQ(config.clusters.size(), 1U);
  EXPECT_EQ(config.clusters[0].id, "cluster-abcdefg2345");
  EXPECT_EQ(config.clusters[0].token.selector.serial, "0123abcd");
  EXPECT_EQ(config.clusters[0].trust_anchor.at(0), 0x30);
  ASSERT_EQ(config.principals.size(), 1U);
  EXPECT_EQ(config.principals[0].account, "123456789012");
  EXPECT_EQ(config.principals[0].name, "admin");
  EXPECT_EQ(config.principals[0].unique_id.size(), 21U);
  EXPECT_EQ(config.principals[0].unique_id.substr(0, 4), "AIDA");
  ASSERT_EQ(config.principals[0].policies.size(), 1U);
  EXPECT_EQ(config.principals[0].policies[0].name, "policy");
  EXPECT_EQ(config.principals[0].policies[0].json, R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
})");
  EXPECT_EQ(config.principals[0].max_session_duration.count(), 3600);
  EXPECT_EQ(config.limits.failed_signatures_per_minute, 30U);
}

TEST_F(Load, TakesWhatIsGiven) {
  const Config config = load(files_.config_file(), kMinimal + R"(
default_region: us-east-1
minimum_hsms: 1
log_level: debug
clock_offset: -90s
listeners:
  - {address: "::1", port: 0}
  - {address: 0.0.0.0, port: 8443, tls: {certificate: tls/server.crt, private_key: tls/server.key}}
  - {address: 0.0.0.0, port: 8090, allow_plain_http: true}
admin: {port: 9000}
limits: {max_body_bytes: 64KiB, idle_timeout: 1500ms, request_deadline: 2s, keys_per_account: 7}
sigv4: {skew: 10m}
jobs: {due_confirmation: 0, max_clock_jump: 2d, interval: 50ms}
)");
  EXPECT_EQ(config.minimum_hsms, 1U);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.clock_offset.count(), -90);
  ASSERT_EQ(config.listeners.size(), 3U);
  EXPECT_EQ(config.listeners[0].address, "::1");
  EXPECT_EQ(config.listeners[0].port, 0);
  EXPECT_EQ(config.listeners[1].tls->private_key, (files_.path() / "tls/server.key").string());
  EXPECT_TRUE(config.listeners[2].allow_plain_http);
  EXPECT_EQ(config.admin.port, 9000);
  EXPECT_EQ(config.limits.max_body_bytes, 65536U);
  EXPECT_EQ(config.limits.idle_timeout.count(), 1500);
  EXPECT_EQ(config.limits.request_deadline.count(), 2000);
  EXPECT_EQ(config.limits.keys_per_account, 7U);
  EXPECT_EQ(config.sigv4.skew.count(), 600);
  EXPECT_EQ(config.jobs.due_confirmation.count(), 0);
  EXPECT_EQ(config.jobs.max_clock_jump.count(), 172800);
  EXPECT_EQ(config.jobs.interval.count(), 50);
}

TEST_F(Load, ReadsQuirksAndTokenUris) {
  const Config config =
      load(files_.config_file(), replaced(kMinimal, "      serial: 0123abcd\n", R"(
      uri: "pkcs11:token=us%2Deast-1;serial=77"
      sessions: 3
      cached_materials: 9
      init_args: "configdir='x'"
      quirks: {gcm_iv: in_param, max_gcm_bytes: 16KiB}
)"));
  const Token& token = config.clusters.at(0).token;
  EXPECT_EQ(token.selector.label, "us-east-1");
  EXPECT_EQ(token.selector.serial, "77");
  EXPECT_EQ(token.sessions, 3U);
  EXPECT_EQ(token.cached_materials, 9U);
  EXPECT_EQ(token.init_args, "configdir='x'");
  EXPECT_EQ(token.quirks.gcm_iv, pkcs11::GcmIv::in_param);
  EXPECT_EQ(token.quirks.max_gcm_bytes, 16384U);
}

TEST_F(Load, ReadsPoliciesInBothForms) {
  const Config config = load(files_.config_file(), kMinimal + R"(
  arn:aws:iam::111122223333:user/team/bob:
    policy: {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": ["kms:Encrypt", "kms:Describe*"], "Resource": ["*"], "Sid": "no"}}
  arn:aws:iam::123456789012:role/app: {}
  arn:aws:iam::123456789012:root: {}
)");
  ASSERT_EQ(config.principals.size(), 4U);
  const Principal& bob = config.principals[1];
  EXPECT_EQ(bob.name, "bob");
  ASSERT_EQ(bob.policies.size(), 1U);
  EXPECT_EQ(bob.policies[0].json, R"({
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Deny",
    "Action": [
      "kms:Encrypt",
      "kms:Describe*"
    ],
    "Resource": [
      "*"
    ],
    "Sid": "no"
  }
})");
  EXPECT_EQ(config.principals[2].name, "app");
  EXPECT_EQ(config.principals[2].unique_id.substr(0, 4), "AROA");
  EXPECT_TRUE(config.principals[2].policies.empty());
  EXPECT_EQ(config.principals[3].name, "root");
  EXPECT_EQ(config.principals[3].unique_id, "123456789012");
}

TEST_F(Load, ReadsAllThatAnIdentityHas) {
  const Config config = load(files_.config_file(), replaced(kMinimal, "principals:", R"(
groups:
  arn:aws:iam::123456789012:group/team/auditors:
    policies:
      read: [{Effect: Allow, Action: "kms:Describe*", Resource: "*"}]
  arn:aws:iam::111122223333:group/auditors: {}
principals:
  arn:aws:iam::123456789012:user/carol:
    access_keys:
      AKIAIOSFODNN7EXAMPL2: {secret: {file: secret}, active: false}
      AKIAIOSFODNN7EXAMPL3: {secret: {file: secret}}
    policies: {own: [], more: {Statement: []}}
    groups: [auditors]
    permissions_boundary: [{Effect: Allow, NotAction: "kms:ScheduleKeyDeletion", Resource: "*"}]
    tags: {team: payments, "cost center": 42}
  arn:aws:iam::123456789012:role/app:
    trust_policy: {Statement: [{Effect: Allow, Principal: {AWS: 123456789012}, Action: "sts:AssumeRole"}]}
    max_session_duration: 2h
    sessions_not_before: 2026-11-24T00:22:01Z
)"));
  ASSERT_EQ(config.groups.size(), 2U);
  EXPECT_EQ(config.groups[0].account, "123456789012");
  EXPECT_EQ(config.groups[0].name, "auditors");
  ASSERT_EQ(config.groups[0].policies.size(), 1U);
  EXPECT_EQ(config.groups[0].policies[0].name, "read");
  ASSERT_EQ(config.principals.size(), 3U);
  const Principal& carol = config.principals[0];
  ASSERT_EQ(carol.access_keys.size(), 2U);
  EXPECT_FALSE(carol.access_keys[0].active);
  EXPECT_TRUE(carol.access_keys[1].active);
  ASSERT_EQ(carol.policies.size(), 2U);
  EXPECT_EQ(carol.policies[0].name, "own");
  EXPECT_EQ(carol.policies[1].name, "more");
  EXPECT_EQ(carol.policies[1].json, "{\n  \"Statement\": []\n}");
  EXPECT_THAT(carol.groups, testing::ElementsAre("arn:aws:iam::123456789012:group/team/auditors"));
  EXPECT_EQ(carol.permissions_boundary.value().name, "permissions_boundary");
  EXPECT_THAT(carol.tags,
              testing::ElementsAre(std::pair("cost center", "42"), std::pair("team", "payments")));
  const Principal& app = config.principals[1];
  EXPECT_THAT(app.trust_policy.value().json, testing::HasSubstr("\"AWS\": \"123456789012\""));
  EXPECT_EQ(app.max_session_duration.count(), 7200);
  EXPECT_EQ(app.sessions_not_before, std::chrono::sys_days{std::chrono::year(2026) / 11 / 24} +
                                         std::chrono::seconds(22 * 60 + 1));
}

TEST_F(Load, KnowsTheirPlacesInPolicies) {
  const Config config = load(files_.config_file(), kMinimal + R"(
  arn:aws:iam::111122223333:user/bob:
    policy:
      - Effect: Allow
        Action: "*"
      - Effect: Deny
        Condition:
          StringEquals: {"kms:ViaService": ec2}
  arn:aws:iam::111122223333:user/eve:
    policies: {one: {Statement: {Effect: Maybe}}}
)");
  const auto place = [](const Policy& policy, std::string_view path) {
    const Place& found = policy.place_of(path);
    return std::to_string(found.line) + ":" + std::to_string(found.column) + " " + found.key_path;
  };
  const std::string bob = "principals.arn:aws:iam::111122223333:user/bob.policy";
  const Policy& list = config.principals.at(1).policies.at(0);
  EXPECT_EQ(list.file, files_.config_file());
  EXPECT_EQ(place(list, ""), "32:7 " + bob);
  EXPECT_EQ(place(list, "Statement"), "32:7 " + bob);
  EXPECT_EQ(place(list, "Statement[0].Action"), "33:17 " + bob + "[0].Action");
  EXPECT_EQ(place(list, "Statement[0].Resource"), "32:9 " + bob + "[0]");
  EXPECT_EQ(place(list, "Statement[1].Condition.StringEquals.kms:ViaService[0]"),
            "36:44 " + bob + "[1].Condition.StringEquals.kms:ViaService");
  EXPECT_EQ(place(list, "Version"), "32:7 " + bob);
  const std::string eve = "principals.arn:aws:iam::111122223333:user/eve.policies.one";
  const Policy& document = config.principals.at(2).policies.at(0);
  EXPECT_EQ(place(document, ""), "38:21 " + eve);
  EXPECT_EQ(place(document, "Statement.Effect"), "38:42 " + eve + ".Statement.Effect");
  EXPECT_EQ(place(document, "Statement[0].Effect"), "38:42 " + eve + ".Statement.Effect");
}

TEST_F(Load, TakesLinesOfDos) {
  EXPECT_EQ(files_.fault_of(replaced_all(kMinimal, "\n", "\r\n")), "");
}

TEST_F(Load, StripsOneNewlineOfASecretFile) {
  files_.write("pin", "two\n\n");
  const Config config = load(files_.config_file(), kMinimal);
  EXPECT_EQ(config.regions.at(0).pin.join().text(), "two\n");
  EXPECT_EQ(config.principals.at(0).access_keys.at(0).secret.text(),
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
}

TEST_F(Load, ReadsAnEnvironmentVariableAndWipesIt) {
  ::setenv("KMS_TEST_PIN", "from-env", 1);
  const char* where = std::getenv("KMS_TEST_PIN");
  const Config config =
      load(files_.config_file(), replaced(kMinimal, "{file: pin}", "{env: KMS_TEST_PIN}") + R"(
  arn:aws:iam::123456789012:user/other:
    access_keys:
      AKIAIOSFODNN7EXAMPL2: {secret: {env: KMS_TEST_PIN}}
)");
  EXPECT_EQ(config.regions.at(0).pin.join().text(), "from-env");
  EXPECT_EQ(config.principals.at(1).access_keys.at(0).secret.text(), "from-env");
  EXPECT_EQ(std::getenv("KMS_TEST_PIN"), nullptr);
  EXPECT_EQ(std::string_view(where), "");  // glibc keeps the memory of a variable once set
}

TEST_F(Load, FindsAVariableAgainThatItHasRead) {
  files_.write("config.yaml", replaced(kMinimal, "{file: pin}", "{env: KMS_TEST_PIN}"));
  ::setenv("KMS_TEST_PIN", "from-env", 1);
  Environment environment;
  for (int i = 0; i < 3; ++i) {
    const Config config = load(files_.config_file(), environment);
    EXPECT_EQ(config.regions.at(0).pin.join().text(), "from-env");
    EXPECT_EQ(std::getenv("KMS_TEST_PIN"), nullptr);
  }
  Environment other;
  EXPECT_THROW((void)load(files_.config_file(), other), Error);
}

TEST_F(Load, ReadsASystemdCredential) {
  files_.write("credentials/region-pin", "from-systemd\n");
  // With an ACL for the service's user the group bits show the ACL's mask.
  ::chmod((files_.path() / "credentials/region-pin").c_str(), 0440);
  ::setenv("CREDENTIALS_DIRECTORY", (files_.path() / "credentials").c_str(), 1);
  const std::string text = replaced(kMinimal, "{file: pin}", "{credential: region-pin}");
  EXPECT_EQ(load(files_.config_file(), text).regions.at(0).pin.join().text(), "from-systemd");
  EXPECT_EQ(
      files_.fault_of(replaced(text, "region-pin", "../pin")),
      "DIR/config.yaml:11:23: regions.us-east-1.pin.credential: not the name of a credential");
  EXPECT_EQ(files_.fault_of(replaced(text, "region-pin", "absent")),
            "DIR/config.yaml:11:23: regions.us-east-1.pin.credential: cannot read "
            "DIR/credentials/absent: No such "
            "file or directory");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(files_.fault_of(text),
            "DIR/config.yaml:11:23: regions.us-east-1.pin.credential: systemd gave no credentials "
            "(CREDENTIALS_DIRECTORY is not set)");
}

TEST_F(Load, PrintsWhatLoadsAgainAndNoSecret) {
  const std::string full = kMinimal + R"(
  "arn:aws:iam::123456789012:user/with.dot": {policy: [{Sid: "a \"b\"", Effect: Deny, Action: [kms:Encrypt], Resource: "*"}]}
  arn:aws:iam::123456789012:user/two:
    policies: {"a b": [], c: {Id: "\x01\n\\ü", Statement: {Effect: Deny, Condition: {Bool: {aws:SecureTransport: false}}}}}
    groups: [auditors]
    permissions_boundary: []
    tags: {"cost center": 42, team: "a: b"}
  arn:aws:iam::123456789012:role/app:
    trust_policy: [{Effect: Allow, Principal: "*"}]
    max_session_duration: 15m
    sessions_not_before: 2026-11-24T00:00:00Z
groups:
  arn:aws:iam::123456789012:group/auditors: {policy: [{Effect: Allow, Action: "*", Resource: "*"}]}
clock_offset: -90s
listeners:
  - {port: 0}
  - {address: 0.0.0.0, port: 8443, tls: {certificate: tls/server.crt, private_key: tls/server.key}}
limits: {max_body_bytes: 64KiB, idle_timeout: 1500ms}
)";
  std::ostringstream first;
  print(load(files_.config_file(), full), first);
  EXPECT_EQ(first.str().find("1234-user"), std::string::npos);
  EXPECT_EQ(first.str().find("wJalr"), std::string::npos);
  EXPECT_THAT(first.str(),
              testing::HasSubstr("    pin: \"***\"  # {file: " + files_.path().string()));
  std::ostringstream second;
  print(load(files_.config_file(), replaced_all(first.str(), "\"***\"  # ", "")), second);
  EXPECT_EQ(first.str(), second.str());
}

TEST_F(Load, RefusesItsOwnMask) {
  std::ostringstream printed;
  print(load(files_.config_file(), kMinimal), printed);
  EXPECT_THAT(files_.fault_of(printed.str()),
              testing::HasSubstr("regions.us-east-1.pin: a secret is not written"));
}

}  // namespace
}  // namespace config
