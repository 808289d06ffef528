#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/yaml.h"
#include "tests/config/files.h"

namespace config {
namespace {

using test::Files;
using test::kMinimal;
using test::replaced;

/// One change that spoils the minimal configuration, and the message it gets.
struct Refusal {
  std::string name;
  std::string from;  // empty: `to` is added at the end, in lines 30 and on
  std::string to;
  std::string message;  // after "DIR/config.yaml:"
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class Refusals : public testing::TestWithParam<Refusal> {};

TEST_P(Refusals, SaysWhereAndWhy) {
  const Files files;
  const Refusal& refusal = GetParam();
  const std::string text = refusal.from.empty() ? kMinimal + "\n" + refusal.to
                                                : replaced(kMinimal, refusal.from, refusal.to);
  EXPECT_EQ(files.fault_of(text), "DIR/config.yaml:" + refusal.message);
}

std::string name_of(const testing::TestParamInfo<Refusal>& info) { return info.param.name; }

const std::vector<Refusal> kStructure{
    {"UnknownKey", "label: us", "lable: us",
     "10:7: regions.us-east-1.token.lable: unknown key; did you mean label?"},
    {"UnknownKeyLikeNoOther", "storage:", "xyzzyplugh: 1\nstorage:",
     "2:1: xyzzyplugh: unknown key; known here: accounts default_region minimum_hsms "
     "log_level "
     "clock_offset storage audit listeners admin regions clusters groups principals limits sigv4 "
     "jobs"},
    {"RepeatedKey", "      label: us-east-1\n", "      label: us-east-1\n      label: us-east-2\n",
     "11:7: regions.us-east-1.token.label: repeated key; first in line 10"},
    {"RepeatedRegion", "clusters:", "  us-east-1: {}\nclusters:",
     "12:3: regions.us-east-1: repeated key; first in line 7"},
    {"MissingTopLevelKey", "storage:\n  sqlite: kms.sqlite\n", "", "1:1: storage: missing"},
    {"RegionWithoutToken", "    token:\n      module: module.so\n      label: us-east-1\n", "",
     "7:3: regions.us-east-1.token: missing"},
    {"RegionWithoutPin", "    pin: {file: pin}\n", "", "7:3: regions.us-east-1.pin: missing"},
    {"ClusterWithoutTrustAnchor", "    trust_anchor: anchor.crt\n", "",
     "13:3: clusters.cluster-abcdefg2345.trust_anchor: missing"},
    {"EmptySection", "storage:\n  sqlite: kms.sqlite\n", "storage:\n",
     "2:1: storage: expected a mapping"},
    {"ListForMapping", "storage:\n  sqlite: kms.sqlite\n", "storage: [1]\n",
     "2:10: storage: expected a mapping"},
    {"TextForList", "[\"123456789012\", \"111122223333\"]", "\"123456789012\"",
     "1:11: accounts: expected a list"},
    {"MappingForText", "sqlite: kms.sqlite", "sqlite: {a: b}",
     "3:11: storage.sqlite: expected text"},
    {"NothingForText", "sqlite: kms.sqlite", "sqlite:", "3:3: storage.sqlite: expected text"},
    {"NullForText", "sqlite: kms.sqlite", "sqlite: ~", "3:3: storage.sqlite: expected text"},
    {"EmptyPath", "sqlite: kms.sqlite", "sqlite: \"\"", "3:11: storage.sqlite: must not be empty"},
    {"PathWithNul", "sqlite: kms.sqlite", "sqlite: \"a\\0b\"", "3:11: storage.sqlite: not a path"},
    {"ControlCharactersInAKey", "storage:", "\"sto\\nrage\": 1\nstorage:",
     "2:1: sto?rage: unknown key; did you mean storage?"},
};
INSTANTIATE_TEST_SUITE_P(Structure, Refusals, testing::ValuesIn(kStructure), name_of);

const std::vector<Refusal> kYaml{
    {"Anchor", "label: us-east-1", "label: &a us-east-1",
     "10:14: regions.us-east-1.token: anchors and aliases are not supported"},
    {"Alias", "label: us-east-1", "label: *a",
     "10:14: regions.us-east-1.token: not YAML: the referenced anchor is not defined"},
    {"MergeKey", "storage:", "<<: {}\nstorage:", "2:1: .: merge keys are not supported"},
    {"Tag", "label: us-east-1", "label: !!str us-east-1",
     "10:14: regions.us-east-1.token: tags are not supported"},
    {"LocalTag", "label: us-east-1", "label: !x us-east-1",
     "10:14: regions.us-east-1.token: tags are not supported"},
    {"KeyThatIsAList", "storage:", "[a]: 1\nstorage:", "2:1: .: a key that is not text"},
    {"KeyThatIsEmpty", "storage:", "~: 1\nstorage:", "2:1: .: an empty key"},
    {"SecondDocument", "", "---\na: 1\n",
     "30:1: .: a second YAML document; one file is one document"},
    {"Syntax", "storage:", "storage: [", "4:6: storage: not YAML: end of sequence flow not found"},
    {"Tab", "  sqlite:", "\tsqlite:", "3:8: .: not YAML: illegal map value"},
    {"NotUtf8", "kms.sqlite", "k\xFFms", "3:12: .: not UTF-8"},
    {"Utf16", "accounts",
     std::string("\xFF\xFE"
                 "a\0",
                 4),
     "1:1: .: not UTF-8"},
    {"OverlongUtf8", "kms.sqlite", "\xC0\xAF", "3:11: .: not UTF-8"},
    {"Surrogate", "kms.sqlite", "\xED\xA0\x80", "3:11: .: not UTF-8"},
    {"CarriageReturn", "kms.sqlite", "kms.sqlite\rx: y", "3:21: .: control character"},
    {"EndOfTransmission", "audit:",
     "\x04"
     "audit:",
     "4:1: .: control character"},
};
INSTANTIATE_TEST_SUITE_P(Yaml, Refusals, testing::ValuesIn(kYaml), name_of);

const std::vector<Refusal> kValues{
    {"PortTooLarge", "", "admin: {port: 65536}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"PortInQuotes", "", "admin: {port: \"80\"}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"PortInOctal", "", "admin: {port: 0080}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"PortNegative", "", "admin: {port: -1}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"PortBeyondAll", "", "admin: {port: 99999999999999999999}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"PortAsList", "", "admin: {port: [1]}",
     "30:15: admin.port: expected a whole number from 0 to 65535"},
    {"BooleanOfYaml11", "", "admin: {allow_plain_http: yes}",
     "30:27: admin.allow_plain_http: expected true or false"},
    {"SizeTooSmall", "", "limits: {max_body_bytes: 1}",
     "30:26: limits.max_body_bytes: expected a size from 8KiB to 64MiB, in bytes or with KiB, MiB, "
     "GiB"},
    {"SizeBeyondAll", "", "limits: {max_body_bytes: 9223372036854775807GiB}",
     "30:26: limits.max_body_bytes: expected a size from 8KiB to 64MiB, in bytes or with KiB, MiB, "
     "GiB"},
    {"DurationWithoutUnit", "", "limits: {idle_timeout: 5}",
     "30:24: limits.idle_timeout: expected a duration from 10ms to 1d, in ms, s, m, h or d"},
    {"DurationInParts", "", "sigv4: {skew: 1500ms}",
     "30:15: sigv4.skew: expected a duration from 1s to 1h, in s, m, h or d"},
    {"DurationNegative", "", "jobs: {interval: -5s}",
     "30:18: jobs.interval: expected a duration from 10ms to 1d, in ms, s, m, h or d"},
    {"DurationBeyondAll", "", "jobs: {interval: 9223372036854775807d}",
     "30:18: jobs.interval: expected a duration from 10ms to 1d, in ms, s, m, h or d"},
    {"UnknownLevel", "", "log_level: loud",
     "30:12: log_level: expected debug, info, warning or error"},
    {"UnknownDefaultRegion", "", "default_region: us-east-9",
     "30:17: default_region: not one of regions"},
    {"AccountTooShort", "[\"123456789012\", ", "[\"12345678901\", \"123456789012\", ",
     "1:12: accounts[0]: expected an account: 12 digits"},
    {"RepeatedAccount", "\"111122223333\"]", "\"111122223333\", \"111122223333\"]",
     "1:44: accounts[2]: repeated account"},
    {"NoAccount", "[\"123456789012\", \"111122223333\"]", "[]", "1:11: accounts: names no account"},
    {"RegionName", "  us-east-1:\n", "  US East:\n",
     "7:3: regions.\"US East\": expected a Region's name such as us-east-1"},
};
INSTANTIATE_TEST_SUITE_P(Values, Refusals, testing::ValuesIn(kValues), name_of);

const std::vector<Refusal> kListeners{
    {"PlainHttpOffLoopback", "", "listeners:\n  - address: 0.0.0.0\n",
     "31:14: listeners[0].address: plain HTTP is served on the loopback only; set tls, or "
     "allow_plain_http to "
     "accept that anyone on the way reads and changes it"},
    {"AdminOffLoopback", "", "admin: {address: \"::\"}",
     "30:18: admin.address: plain HTTP is served on the loopback only; set tls, or "
     "allow_plain_http to accept that "
     "anyone on the way reads and changes it"},
    {"ListenerName", "", "listeners: [{address: localhost}]",
     "30:23: listeners[0].address: expected an IPv4 or IPv6 address"},
    {"SamePort", "", "listeners: [{port: 1}, {port: 1}]",
     "30:24: listeners[1]: the same address and port as another listener's"},
    {"SamePortAsAdmin", "", "listeners: [{port: 8081}]\nadmin: {}",
     "31:8: admin: the same address and port as another listener's"},
    {"NoListener", "", "listeners: []", "30:12: listeners: names no listener"},
    {"NoCertificate", "", "listeners: [{tls: {private_key: tls/server.key}}]",
     "30:14: listeners[0].tls.certificate: missing"},
    {"CertificateFileMissing", "",
     "listeners: [{tls: {certificate: a, private_key: tls/server.key}}]",
     "30:33: listeners[0].tls.certificate: cannot read DIR/a: No such file or directory"},
    {"CertificateThatIsNone", "",
     "listeners: [{tls: {certificate: tls/server.key, private_key: tls/server.key}}]",
     "30:33: listeners[0].tls.certificate: DIR/tls/server.key holds no PEM certificate"},
    {"KeyThatIsNone", "",
     "listeners: [{tls: {certificate: tls/server.crt, private_key: tls/server.crt}}]",
     "30:62: listeners[0].tls.private_key: DIR/tls/server.crt holds no PEM private key without a "
     "passphrase"},
};
INSTANTIATE_TEST_SUITE_P(Listeners, Refusals, testing::ValuesIn(kListeners), name_of);

const std::vector<Refusal> kTokens{
    {"ModuleMissing", "      module: module.so\n      serial",
     "      module: absent.so\n      serial",
     "18:15: clusters.cluster-abcdefg2345.token.module: cannot read DIR/absent.so: No such file or "
     "directory"},
    {"ModuleIsADirectory", "      module: module.so\n      serial",
     "      module: tls\n      serial",
     "18:15: clusters.cluster-abcdefg2345.token.module: DIR/tls is not a regular file"},
    {"NoSelector", "      serial: 0123abcd\n", "",
     "17:5: clusters.cluster-abcdefg2345.token: chooses no token; give uri, or label and serial"},
    {"EmptySelector", "serial: 0123abcd", "serial: \"\"",
     "19:15: clusters.cluster-abcdefg2345.token.serial: must not be empty"},
    {"UriAndSerial", "      serial: 0123abcd\n",
     "      serial: 0123abcd\n      uri: \"pkcs11:token=a\"\n",
     "19:7: clusters.cluster-abcdefg2345.token.serial: the token is chosen by uri already"},
    {"NoSessions", "      serial: 0123abcd\n", "      serial: 0123abcd\n      sessions: 0\n",
     "20:17: clusters.cluster-abcdefg2345.token.sessions: expected a whole number from 1 to 4096"},
    {"UnknownQuirk", "      serial: 0123abcd\n",
     "      serial: 0123abcd\n      quirks: {gcm_iv: card}\n",
     "20:24: clusters.cluster-abcdefg2345.token.quirks.gcm_iv: expected host, in_param or "
     "appended"},
    {"ClusterId", "cluster-abcdefg2345", "cluster-1",
     "13:3: clusters.cluster-1: expected a cluster id: cluster- and 11 to 16 of 2-7, a-z, A-Z"},
    {"ClusterOfUnknownAccount", "account: \"123456789012\"", "account: \"999999999999\"",
     "14:14: clusters.cluster-abcdefg2345.account: not one of accounts"},
    {"ClusterOfUnknownRegion", "region: us-east-1", "region: us-east-2",
     "15:13: clusters.cluster-abcdefg2345.region: not one of regions"},
    {"TrustAnchorMissing", "anchor.crt", "absent.crt",
     "16:19: clusters.cluster-abcdefg2345.trust_anchor: cannot read DIR/absent.crt: No such file "
     "or directory"},
    {"TrustAnchorThatIsNone", "anchor.crt", "pin",
     "16:19: clusters.cluster-abcdefg2345.trust_anchor: DIR/pin holds no PEM certificate"},
    {"PinOfACluster", "      serial: 0123abcd\n", "      serial: 0123abcd\n    pin: {file: pin}\n",
     "20:5: clusters.cluster-abcdefg2345.pin: unknown key; known here: account region trust_anchor "
     "related_group "
     "token"},
    {"DatabaseDirectoryMissing", "kms.sqlite", "state/kms.sqlite",
     "3:11: storage.sqlite: no such directory: DIR/state"},
    {"AuditFileIsADirectory", "audit.jsonl", "tls", "5:9: audit.file: DIR/tls is a directory"},
};
INSTANTIATE_TEST_SUITE_P(Tokens, Refusals, testing::ValuesIn(kTokens), name_of);

const std::vector<Refusal> kSecrets{
    {"Inline", "{file: pin}", "\"1234-user\"",
     "11:10: regions.us-east-1.pin: a secret is not written here; name its place: {file: PATH}, "
     "{credential: NAME} "
     "or {env: NAME}"},
    {"TwoForms", "{file: pin}", "{file: pin, env: PIN}",
     "11:10: regions.us-east-1.pin: expected exactly one of file, credential and env"},
    {"NoForm", "{file: pin}", "{}",
     "11:10: regions.us-east-1.pin: expected exactly one of file, credential and env"},
    {"UnknownForm", "{file: pin}", "{vault: pin}",
     "11:11: regions.us-east-1.pin.vault: unknown key; known here: file credential env"},
    {"FileMissing", "{file: pin}", "{file: absent}",
     "11:17: regions.us-east-1.pin.file: cannot read DIR/absent: No such file or directory"},
    {"FileIsADirectory", "{file: pin}", "{file: tls}",
     "11:17: regions.us-east-1.pin.file: DIR/tls is not a regular file"},
    {"FileIsADevice", "{file: pin}", "{file: /dev/zero}",
     "11:17: regions.us-east-1.pin.file: /dev/zero is not a regular file"},
    {"VariableMissing", "{file: pin}", "{env: KMS_TEST_ABSENT}",
     "11:16: regions.us-east-1.pin.env: no such environment variable"},
    {"EmptyName", "{file: pin}", "{env: \"\"}",
     "11:16: regions.us-east-1.pin.env: must not be empty"},
};
INSTANTIATE_TEST_SUITE_P(Secrets, Refusals, testing::ValuesIn(kSecrets), name_of);

const std::vector<Refusal> kPrincipals{
    {"NotAnArn", "  arn:aws:iam::123456789012:user/admin:", "  admin:",
     "21:3: principals.admin: expected arn:aws:iam::ACCOUNT:user/NAME, :role/NAME or :root"},
    {"OtherPartition", "arn:aws:iam", "arn:aws-cn:iam",
     "21:3: principals.arn:aws-cn:iam::123456789012:user/admin: expected "
     "arn:aws:iam::ACCOUNT:user/NAME, :role/NAME "
     "or :root"},
    {"PrincipalOfUnknownAccount", "123456789012:user", "999999999999:user",
     "21:3: principals.arn:aws:iam::999999999999:user/admin: its account is not one of accounts"},
    {"AGroup", ":user/admin", ":group/admin",
     "21:3: principals.arn:aws:iam::123456789012:group/admin: expected "
     "arn:aws:iam::ACCOUNT:user/NAME, :role/NAME "
     "or :root"},
    {"RoleWithKeys", ":user/admin", ":role/admin",
     "22:5: principals.arn:aws:iam::123456789012:role/admin.access_keys: a role has no access "
     "keys; it is assumed"},
    {"AccessKeyId", "AKIAIOSFODNN7EXAMPLE", "AKIA",
     "23:7: principals.arn:aws:iam::123456789012:user/admin.access_keys.AKIA: expected an access "
     "key id: 16 to 128 "
     "letters, digits or _"},
    {"TemporaryAccessKey", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE",
     "23:7: principals.arn:aws:iam::123456789012:user/admin.access_keys.ASIAIOSFODNN7EXAMPLE: ASIA "
     "is how temporary access keys begin"},
    {"UsersOfOneName", "", "  arn:aws:iam::123456789012:user/team/admin: {}",
     "30:3: principals.arn:aws:iam::123456789012:user/team/admin: another one of this account has "
     "the same name, in another path or in upper and lower case"},
    {"UsersThatDifferInCase", "", "  arn:aws:iam::123456789012:user/Admin: {}",
     "30:3: principals.arn:aws:iam::123456789012:user/Admin: another one of this account has the "
     "same name, in another path or in upper and lower case"},
    {"AccessKeyOfTwo", "",
     "  arn:aws:iam::111122223333:user/bob:\n    access_keys: {AKIAIOSFODNN7EXAMPLE: {secret: "
     "{file: secret}}}",
     "31:19: principals.arn:aws:iam::111122223333:user/bob.access_keys.AKIAIOSFODNN7EXAMPLE: this "
     "access key is "
     "already that of arn:aws:iam::123456789012:user/admin"},
    {"PolicyAsText", "", "  arn:aws:iam::111122223333:user/bob: {policy: everything}",
     "30:48: principals.arn:aws:iam::111122223333:user/bob.policy: expected a policy: a document, "
     "or a list of statements"},
    {"PolicyTwice", "", "  arn:aws:iam::111122223333:user/bob: {policy: [], policies: {}}",
     "30:52: principals.arn:aws:iam::111122223333:user/bob.policies: policy is given as well; name "
     "that one here too"},
    {"PoliciesAsList", "", "  arn:aws:iam::111122223333:user/bob: {policies: []}",
     "30:50: principals.arn:aws:iam::111122223333:user/bob.policies: expected a mapping"},
    {"UnknownGroup", "", "  arn:aws:iam::111122223333:user/bob: {groups: [auditors]}",
     "30:49: principals.arn:aws:iam::111122223333:user/bob.groups[0]: not one of groups, by its "
     "name, of this account"},
    {"GroupOfAnotherAccount", "",
     "  arn:aws:iam::111122223333:user/bob: {groups: [auditors]}\ngroups: "
     "{arn:aws:iam::123456789012:group/auditors: {}}",
     "30:49: principals.arn:aws:iam::111122223333:user/bob.groups[0]: not one of groups, by its "
     "name, of this account"},
    {"GroupTwice", "",
     "  arn:aws:iam::111122223333:user/bob: {groups: [auditors, auditors]}\ngroups: "
     "{arn:aws:iam::111122223333:group/auditors: {}}",
     "30:59: principals.arn:aws:iam::111122223333:user/bob.groups[1]: repeated group"},
    {"UniqueIdOfAnotherKind", "", "  arn:aws:iam::111122223333:user/bob: {unique_id: AROABOB}",
     "30:51: principals.arn:aws:iam::111122223333:user/bob.unique_id: expected AIDA and capital "
     "letters and digits, 128 characters at most"},
    {"UniqueIdOfARoot", "", "  arn:aws:iam::111122223333:root: {unique_id: AIDAROOT}",
     "30:36: principals.arn:aws:iam::111122223333:root.unique_id: the id of a root is its account"},
    {"PolicyOfARoot", "", "  arn:aws:iam::111122223333:root: {policy: []}",
     "30:36: principals.arn:aws:iam::111122223333:root.policy: a root has none"},
    {"PoliciesOfARoot", "", "  arn:aws:iam::111122223333:root: {policies: {}}",
     "30:36: principals.arn:aws:iam::111122223333:root.policies: a root has none"},
    {"BoundaryOfARoot", "", "  arn:aws:iam::111122223333:root: {permissions_boundary: []}",
     "30:36: principals.arn:aws:iam::111122223333:root.permissions_boundary: a root has none"},
    {"UniqueIdTwice", "",
     "  arn:aws:iam::111122223333:user/bob: {unique_id: AIDABOB}\n"
     "  arn:aws:iam::111122223333:user/tom: {unique_id: AIDABOB}",
     "31:3: principals.arn:aws:iam::111122223333:user/tom: another one has the same unique_id"},
    {"GroupOfARole", "", "  arn:aws:iam::111122223333:role/app: {groups: []}",
     "30:40: principals.arn:aws:iam::111122223333:role/app.groups: only a user is in groups"},
    {"GroupArn", "", "groups: {arn:aws:iam::111122223333:user/auditors: {}}",
     "30:10: groups.arn:aws:iam::111122223333:user/auditors: expected "
     "arn:aws:iam::ACCOUNT:group/NAME"},
    {"GroupOfUnknownAccount", "", "groups: {arn:aws:iam::999999999999:group/auditors: {}}",
     "30:10: groups.arn:aws:iam::999999999999:group/auditors: its account is not one of accounts"},
    {"GroupsOfOneName", "",
     "groups: {arn:aws:iam::111122223333:group/a/x: {}, arn:aws:iam::111122223333:group/b/x: {}}",
     "30:51: groups.arn:aws:iam::111122223333:group/b/x: another group of this account has the "
     "same "
     "name"},
    {"TrustPolicyOfAUser", "", "  arn:aws:iam::111122223333:user/bob: {trust_policy: []}",
     "30:40: principals.arn:aws:iam::111122223333:user/bob.trust_policy: only a role has one"},
    {"SessionDuration", "", "  arn:aws:iam::111122223333:role/app: {max_session_duration: 13h}",
     "30:62: principals.arn:aws:iam::111122223333:role/app.max_session_duration: expected a "
     "duration "
     "from 15m to 12h, in s, m, h or d"},
    {"SessionsNotBefore", "",
     "  arn:aws:iam::111122223333:role/app: {sessions_not_before: 2026-02-29T00:00:00Z}",
     "30:61: principals.arn:aws:iam::111122223333:role/app.sessions_not_before: expected a time in "
     "UTC such as 2026-11-24T00:00:00Z"},
    {"TagKeysOfOneName", "", "  arn:aws:iam::111122223333:user/bob: {tags: {team: a, Team: b}}",
     "30:56: principals.arn:aws:iam::111122223333:user/bob.tags.Team: another tag's key differs in "
     "upper and lower case only"},
    {"TagValue", "", "  arn:aws:iam::111122223333:user/bob: {tags: {team: [a]}}",
     "30:53: principals.arn:aws:iam::111122223333:user/bob.tags.team: expected text"},
};
INSTANTIATE_TEST_SUITE_P(Principals, Refusals, testing::ValuesIn(kPrincipals), name_of);

class RefusedFiles : public testing::Test {
 protected:
  void set_mode(const char* name, mode_t mode) const {
    ASSERT_EQ(::chmod((files_.path() / name).c_str(), mode), 0);
  }
  Files files_;
};

TEST_F(RefusedFiles, ConfigurationThatIsNotThere) {
  try {
    static_cast<void>(load("/nonexistent/config.yaml"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "/nonexistent/config.yaml:1:1: .: cannot read: No such file or directory");
  }
}

TEST_F(RefusedFiles, ConfigurationThatIsADirectory) {
  try {
    static_cast<void>(load("/"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "/:1:1: .: not a regular file");
  }
}

TEST_F(RefusedFiles, SecretsThatOthersMayReadOrWrite) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U}) {
    set_mode("pin", mode);
    EXPECT_EQ(files_.fault_of(kMinimal),
              "DIR/config.yaml:11:17: regions.us-east-1.pin.file: DIR/pin is readable or writable "
              "by others than its "
              "owner (chmod 600)");
  }
  set_mode("pin", 0400);
  EXPECT_EQ(files_.fault_of(kMinimal), "");
}

TEST_F(RefusedFiles, SecretsOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown((files_.path() / "secret").c_str(), 65534, 65534), 0);
  EXPECT_EQ(files_.fault_of(kMinimal),
            "DIR/config.yaml:24:24: "
            "principals.arn:aws:iam::123456789012:user/admin.access_keys.AKIAIOSFODNN7EXAMPLE."
            "secret.file: DIR/secret belongs neither to this user nor to root");
}

TEST_F(RefusedFiles, SecretsThatAreEmptyOrTooLong) {
  files_.write("pin", "\n");
  EXPECT_EQ(files_.fault_of(kMinimal),
            "DIR/config.yaml:11:17: regions.us-east-1.pin.file: the secret is empty");
  files_.write("pin", std::string(4097, 'x'));
  EXPECT_EQ(files_.fault_of(kMinimal),
            "DIR/config.yaml:11:17: regions.us-east-1.pin.file: DIR/pin is larger than 4KiB");
  files_.write("pin", std::string(4096, 'x'));
  EXPECT_EQ(files_.fault_of(kMinimal), "");
}

TEST_F(RefusedFiles, TlsKeysThatOthersMayRead) {
  set_mode("tls/server.key", 0644);
  EXPECT_EQ(
      files_.fault_of(kMinimal +
                      "admin: {tls: {certificate: tls/server.crt, private_key: tls/server.key}}"),
      "DIR/config.yaml:29:57: admin.tls.private_key: DIR/tls/server.key is readable or writable by "
      "others than "
      "its owner (chmod 600)");
}

TEST_F(RefusedFiles, TlsKeysOfAnotherCertificate) {
  files_.write("tls/server.key", test::make_key_pair().private_key);
  EXPECT_EQ(
      files_.fault_of(kMinimal +
                      "admin: {tls: {certificate: tls/server.crt, private_key: tls/server.key}}"),
      "DIR/config.yaml:29:57: admin.tls.private_key: the private key is not the certificate's");
}

TEST_F(RefusedFiles, TrustAnchorsThatAreChains) {
  files_.write("anchor.crt", test::make_key_pair().certificate + test::make_key_pair().certificate);
  EXPECT_EQ(files_.fault_of(kMinimal),
            "DIR/config.yaml:16:19: clusters.cluster-abcdefg2345.trust_anchor: DIR/anchor.crt "
            "holds more than one "
            "certificate");
}

TEST_F(RefusedFiles, TextsThatAreTooMuch) {
  EXPECT_EQ(files_.fault_of(""), "DIR/config.yaml:1:1: .: empty");
  EXPECT_EQ(files_.fault_of("# nothing\n"), "DIR/config.yaml:1:1: .: empty");
  EXPECT_EQ(files_.fault_of("just text"), "DIR/config.yaml:1:1: .: expected a mapping");
  EXPECT_EQ(files_.fault_of(std::string(kMaxFileBytes + 1, ' ')),
            "DIR/config.yaml:1:1: .: larger than 1 MiB");
  std::string deep;
  std::string path;
  for (std::size_t i = 0; i < kMaxDepth; ++i) deep += "- ";
  for (std::size_t i = 1; i < kMaxDepth; ++i) path += "[0]";
  EXPECT_EQ(files_.fault_of(deep + "- x"),
            "DIR/config.yaml:1:65: " + path + ": nested deeper than 32 levels");
  EXPECT_EQ(files_.fault_of(std::string(kMaxFileBytes, '[')),
            "DIR/config.yaml:1:1: .: a key that is not text");
  EXPECT_EQ(files_.fault_of(std::string(600, 'k') + ": 1"),
            "DIR/config.yaml:1:1: .: a key of more than 512 bytes");
}

}  // namespace
}  // namespace config
