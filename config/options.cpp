#include "config/options.h"

#include <array>
#include <utility>

namespace config {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kMiB = 1024 * 1024;
constexpr std::int64_t kGiB = 1024 * kMiB;

constexpr std::array<Field<Config>, 16> kConfig{{
    {{.name = "accounts",
      .type = Type::list,
      .doc = "The accounts served: 12 digits each, in quotes.",
      .required = true,
      .example = "[\"123456789012\"]"}},
    {{.name = "default_region",
      .type = Type::text,
      .doc = "One of regions; answers where a request names none.",
      .fallback = "the first Region",
      .example = "us-east-1"},
     &Config::default_region},
    {{.name = "minimum_hsms",
      .type = Type::number,
      .doc =
          "HSMs that must answer for CreateCustomKeyStore (AWS wants 2): 1, for a key store works "
          "with the one token that its cluster's selector fits.",
      .min = 1,
      .max = 1},
     &Config::minimum_hsms},
    {{.name = "log_level",
      .type = Type::choice,
      .doc = "Lines below this level are not logged.",
      .choices = "debug info warning error"},
     &Config::log_level},
    {{.name = "clock_offset",
      .type = Type::duration,
      .doc = "Moves all time but that of signatures; for development only. May be negative.",
      .min = -36525 * kDay,
      .max = 36525 * kDay},
     &Config::clock_offset},
    {{.name = "storage",
      .type = Type::section,
      .doc = "Where keys, aliases and key stores are recorded.",
      .required = true}},
    {{.name = "audit",
      .type = Type::section,
      .doc = "Where the record of every request goes.",
      .required = true}},
    {{.name = "listeners",
      .type = Type::list,
      .doc = "Where the API is served.",
      .fallback = "one listener of defaults"}},
    {{.name = "admin",
      .type = Type::section,
      .doc = "Where /healthz, /readyz and /metrics are served; its default port is 8081."}},
    {{.name = "regions",
      .type = Type::mapping,
      .doc = "The Regions served, by name, each with its token.",
      .required = true}},
    {{.name = "clusters",
      .type = Type::mapping,
      .doc = "The HSMs that CreateCustomKeyStore may name, by cluster id: `cluster-` and 11 to 16 "
             "of 2-7, a-z, A-Z.",
      .fallback = "none"}},
    {{.name = "groups",
      .type = Type::mapping,
      .doc = "IAM groups, by ARN: policies that several users have.",
      .fallback = "none"}},
    {{.name = "principals",
      .type = Type::mapping,
      .doc = "IAM users, roles and account roots, by ARN.",
      .fallback = "none"}},
    {{.name = "limits", .type = Type::section, .doc = "What a caller may ask of the daemon."}},
    {{.name = "sigv4", .type = Type::section, .doc = "Checks of Signature Version 4."}},
    {{.name = "jobs",
      .type = Type::section,
      .doc = "Work that falls due: deletions and expiries."}},
}};

constexpr std::array<Field<Storage>, 1> kStorage{{
    {{.name = "sqlite",
      .type = Type::path,
      .doc = "The SQLite database; made when it is not there. Its directory must exist.",
      .required = true,
      .example = "kms.sqlite"},
     &Storage::sqlite},
}};

constexpr std::array<Field<Audit>, 3> kAudit{{
    {{.name = "file",
      .type = Type::path,
      .doc = "The audit file, one JSON record a line. Its directory must exist.",
      .required = true,
      .example = "audit.jsonl"},
     &Audit::file},
    {{.name = "rotate_bytes",
      .type = Type::size,
      .doc = "The file is renamed and begun again at this size.",
      .min = 64 * 1024,
      .max = 1024 * kGiB},
     &Audit::rotate_bytes},
    {{.name = "keep_files",
      .type = Type::number,
      .doc = "Rotated files kept; older ones are deleted.",
      .min = 1,
      .max = 100000},
     &Audit::keep_files},
}};

constexpr std::array<Field<Listener>, 4> kListener{{
    {{.name = "address", .type = Type::text, .doc = "An IPv4 or IPv6 address of this machine."},
     &Listener::address},
    {{.name = "port",
      .type = Type::number,
      .doc = "The TCP port; 0 takes any free one.",
      .min = 0,
      .max = 65535},
     &Listener::port},
    {{.name = "tls",
      .type = Type::section,
      .doc = "Serves TLS 1.2 and 1.3. Without it, HTTP in the clear.",
      .fallback = "plain HTTP",
      .example = "{certificate: tls/server.crt, private_key: tls/server.key}"}},
    {{.name = "allow_plain_http",
      .type = Type::boolean,
      .doc = "Plain HTTP also where the address is not of the loopback."},
     &Listener::allow_plain_http},
}};

constexpr std::array<Field<TlsFiles>, 2> kTls{{
    {{.name = "certificate",
      .type = Type::path,
      .doc = "PEM: the server's certificate, then the chain above it.",
      .required = true,
      .example = "tls/server.crt"},
     &TlsFiles::certificate},
    {{.name = "private_key",
      .type = Type::path,
      .doc = "PEM: its private key, not encrypted, readable by its owner only.",
      .required = true,
      .example = "tls/server.key"},
     &TlsFiles::private_key},
}};

constexpr std::array<Field<Region>, 2> kRegion{{
    {{.name = "token",
      .type = Type::section,
      .doc = "The token for keys outside custom key stores.",
      .required = true}},
    {{.name = "pin",
      .type = Type::secret,
      .doc = "The user PIN of that token.",
      .required = true,
      .example = "{file: pins/us-east-1}"}},
}};

constexpr std::array<Field<Cluster>, 5> kCluster{{
    {{.name = "account",
      .type = Type::text,
      .doc = "The account that may name the cluster.",
      .required = true,
      .example = "\"123456789012\""},
     &Cluster::account},
    {{.name = "region",
      .type = Type::text,
      .doc = "The Region it belongs to.",
      .required = true,
      .example = "us-east-1"},
     &Cluster::region},
    {{.name = "trust_anchor",
      .type = Type::path,
      .doc = "PEM: the one certificate that TrustAnchorCertificate must equal.",
      .required = true,
      .example = "trust-anchors/cluster-abcdefg2345.crt"},
     &Cluster::trust_anchor_file},
    {{.name = "related_group",
      .type = Type::text,
      .doc = "Clusters of one group share a backup history: UpdateCustomKeyStore may move between "
             "them.",
      .fallback = "related to none",
      .example = "payments"},
     &Cluster::related_group},
    {{.name = "token",
      .type = Type::section,
      .doc = "The token. Its PIN is the key store's KeyStorePassword.",
      .required = true}},
}};

constexpr std::array<Field<Token>, 10> kToken{{
    {{.name = "module",
      .type = Type::path,
      .doc = "The PKCS#11 library.",
      .required = true,
      .example = "/usr/lib/softhsm/libsofthsm2.so"},
     &Token::module},
    {{.name = "init_args",
      .type = Type::text,
      .doc = "The string that some modules (NSS) want in C_Initialize.",
      .fallback = "none",
      .example = "\"configdir='sql:/var/lib/nss'\""},
     &Token::init_args},
    {{.name = "uri",
      .type = Type::text,
      .doc = "Chooses the token by an RFC 7512 URI; in place of the four keys below.",
      .fallback = "none",
      .example = "\"pkcs11:token=us-east-1;serial=0123456789abcdef\""}},
    {{.name = "label",
      .type = Type::text,
      .doc = "Chooses the token by its label.",
      .fallback = "any",
      .example = "us-east-1"}},
    {{.name = "serial",
      .type = Type::text,
      .doc = "Chooses it by its serial number. Every part that is given must match.",
      .fallback = "any",
      .example = "0123456789abcdef"}},
    {{.name = "manufacturer",
      .type = Type::text,
      .doc = "Chooses it by its manufacturer.",
      .fallback = "any",
      .example = "SoftHSM project"}},
    {{.name = "model",
      .type = Type::text,
      .doc = "Chooses it by its model.",
      .fallback = "any",
      .example = "SoftHSM v2"}},
    {{.name = "sessions",
      .type = Type::number,
      .doc = "Most sessions open at a time; one more holds the login.",
      .min = 1,
      .max = 4096},
     &Token::sessions},
    {{.name = "cached_materials",
      .type = Type::number,
      .doc = "Most unwrapped keys held in the token as session objects.",
      .min = 1,
      .max = 10000000},
     &Token::cached_materials},
    {{.name = "quirks",
      .type = Type::section,
      .doc = "What the vendor's module does in its own way."}},
}};

constexpr std::array<Field<pkcs11::Quirks>, 3> kQuirks{{
    {{.name = "gcm_iv",
      .type = Type::choice,
      .doc = "Who makes the IV of AES-GCM: the host, the token into the parameter (CloudHSM), or "
             "the token behind "
             "the ciphertext (Luna).",
      .choices = "host in_param appended",
      .fallback = "probed",
      .example = "host"},
     &pkcs11::Quirks::gcm_iv},
    {{.name = "max_gcm_bytes",
      .type = Type::size,
      .doc = "Longest plaintext of one AES-GCM call; 0: probed.",
      .min = 0,
      .max = kGiB},
     &pkcs11::Quirks::max_gcm_bytes},
    {{.name = "rsa_padding_outside",
      .type = Type::boolean,
      .doc = "Whether, where the token lacks OAEP with a hash, only raw RSA happens in it and the "
             "padding outside."},
     &pkcs11::Quirks::rsa_padding_outside},
}};

constexpr Option kPolicy{.name = "policy",
                         .type = Type::policy,
                         .doc = "An identity policy.",
                         .fallback = "none",
                         .example = R"([{Effect: Allow, Action: "kms:*", Resource: "*"}])"};
constexpr Option kPolicies{
    .name = "policies",
    .type = Type::mapping,
    .doc = "Several, by the names under which decisions cite them; in place of policy.",
    .fallback = "none",
    .example = R"({reports: [{Effect: Allow, Action: "kms:Decrypt", Resource: "*"}]})"};

constexpr std::array<Field<Group>, 2> kGroup{{{kPolicy}, {kPolicies}}};

constexpr std::array<Field<Principal>, 10> kPrincipal{{
    {{.name = "access_keys",
      .type = Type::mapping,
      .doc = "Of a user or a root, by access key id. Two that are active let one be replaced.",
      .fallback = "none"}},
    {kPolicy},
    {kPolicies},
    {{.name = "groups",
      .type = Type::list,
      .doc = "The names of a user's groups, which are of its account.",
      .fallback = "none",
      .example = "[auditors]"}},
    {{.name = "permissions_boundary",
      .type = Type::policy,
      .doc = "The most that its identity policies can allow.",
      .fallback = "none",
      .example = R"([{Effect: Allow, Action: "kms:*", Resource: "*"}])"}},
    {{.name = "tags",
      .type = Type::mapping,
      .doc = "What aws:PrincipalTag/KEY says in conditions.",
      .fallback = "none",
      .example = "{team: payments}"}},
    {{.name = "trust_policy",
      .type = Type::policy,
      .doc = "Of a role: who may assume it.",
      .fallback = "nobody may",
      .example =
          "[{Effect: Allow, Principal: {AWS: \"123456789012\"}, Action: \"sts:AssumeRole\"}]"}},
    {{.name = "max_session_duration",
      .type = Type::duration,
      .doc = "Of a role: the longest session that AssumeRole grants.",
      .min = 900 * kSecond,
      .max = 12 * kHour,
      .fallback = "`1h`",
      .example = "1h"}},
    {{.name = "sessions_not_before",
      .type = Type::text,
      .doc = "Of a role: sessions that began before this time, in UTC, are refused.",
      .fallback = "none are",
      .example = "\"2026-11-24T00:00:00Z\""}},
    {{.name = "unique_id",
      .type = Type::text,
      .doc = "The identity's IAM id, by which key policies, grants and sessions remember it. Give "
             "a new "
             "one when a name passes to somebody else.",
      .fallback = "derived from the ARN",
      .example = "AIDACKCEVSQ6C2EXAMPLE"},
     &Principal::unique_id},
}};

constexpr std::array<Field<AccessKey>, 2> kAccessKey{{
    {{.name = "secret",
      .type = Type::secret,
      .doc = "The secret access key.",
      .required = true,
      .example = "{file: secrets/AKIAIOSFODNN7EXAMPLE}"}},
    {{.name = "active", .type = Type::boolean, .doc = "An inactive key signs nothing."},
     &AccessKey::active},
}};

constexpr std::array<Field<SecretForm>, 3> kSecretForm{{
    {{.name = "file",
      .type = Type::path,
      .doc = "A regular file, owned by the daemon's user or root, mode 0600 or less. One newline "
             "at its end is not "
             "part of the secret.",
      .fallback = "none",
      .example = "secrets/name"},
     &SecretForm::file},
    {{.name = "credential",
      .type = Type::text,
      .doc = "The name of a systemd credential (LoadCredential=).",
      .fallback = "none",
      .example = "name"},
     &SecretForm::credential},
    {{.name = "env",
      .type = Type::text,
      .doc = "The name of an environment variable, which is wiped once read.",
      .fallback = "none",
      .example = "NAME"},
     &SecretForm::env},
}};

constexpr std::array<Field<Limits>, 17> kLimits{{
    {{.name = "max_body_bytes",
      .type = Type::size,
      .doc = "Longest request body.",
      .min = 8192,
      .max = 64 * kMiB},
     &Limits::max_body_bytes},
    {{.name = "max_connections",
      .type = Type::number,
      .doc = "Connections served at a time, a thread each.",
      .min = 1,
      .max = 65536},
     &Limits::max_connections},
    {{.name = "queued_connections",
      .type = Type::number,
      .doc = "Connections that may wait for a thread; further ones are told to come back.",
      .min = 0,
      .max = 65536},
     &Limits::queued_connections},
    {{.name = "header_timeout",
      .type = Type::duration,
      .doc = "Time for a request to arrive, once begun.",
      .min = 10,
      .max = kHour},
     &Limits::header_timeout},
    {{.name = "idle_timeout",
      .type = Type::duration,
      .doc = "Time that a connection may idle between requests.",
      .min = 10,
      .max = kDay},
     &Limits::idle_timeout},
    {{.name = "request_deadline",
      .type = Type::duration,
      .doc = "Time for the token's part of a request: waiting, recovery and work.",
      .min = 10,
      .max = kHour},
     &Limits::request_deadline},
    {{.name = "key_generation_deadline",
      .type = Type::duration,
      .doc = "The same for requests that make an RSA key, which takes seconds.",
      .min = 10,
      .max = kHour},
     &Limits::key_generation_deadline},
    {{.name = "drain_timeout",
      .type = Type::duration,
      .doc = "Time for requests under way to end after SIGTERM.",
      .min = 0,
      .max = kHour},
     &Limits::drain_timeout},
    {{.name = "keys_per_account",
      .type = Type::number,
      .doc = "Keys of an account in a Region.",
      .min = 1,
      .max = 100000000},
     &Limits::keys_per_account},
    {{.name = "aliases_per_key",
      .type = Type::number,
      .doc = "Aliases of a key.",
      .min = 1,
      .max = 100000},
     &Limits::aliases_per_key},
    {{.name = "tags_per_key", .type = Type::number, .doc = "Tags of a key.", .min = 1, .max = 1000},
     &Limits::tags_per_key},
    {{.name = "grants_per_key",
      .type = Type::number,
      .doc = "Grants on a key.",
      .min = 1,
      .max = 10000000},
     &Limits::grants_per_key},
    {{.name = "on_demand_rotations_per_key",
      .type = Type::number,
      .doc = "On-demand rotations of a key, ever.",
      .min = 0,
      .max = 10000},
     &Limits::on_demand_rotations_per_key},
    {{.name = "key_stores_per_account",
      .type = Type::number,
      .doc = "Custom key stores of an account in a Region.",
      .min = 1,
      .max = 10000},
     &Limits::key_stores_per_account},
    {{.name = "invocations_per_generation",
      .type = Type::number,
      .doc = "Encryptions under one AES-GCM key before a new generation of it is made (NIST SP "
             "800-38D: at most 2^32).",
      .min = 1024,
      .max = std::int64_t{1} << 32},
     &Limits::invocations_per_generation},
    {{.name = "request_rates",
      .type = Type::number,
      .doc =
          "Requests a second of each account and Region, in percent of the request quotas of AWS "
          "KMS; more are answered with ThrottlingException. 0: no such limit.",
      .min = 0,
      .max = 100000},
     &Limits::request_rates},
    {{.name = "failed_signatures_per_minute",
      .type = Type::number,
      .doc = "Wrong signatures of an access key from an address (an IPv6 prefix of 64 bits) in a "
             "minute that are answered at once; further ones are answered late, or with "
             "ThrottlingException. A right one is never held up. 0: no such limit.",
      .min = 0,
      .max = 1000000},
     &Limits::failed_signatures_per_minute},
}};

constexpr std::array<Field<Sigv4>, 1> kSigv4{{
    {{.name = "skew",
      .type = Type::duration,
      .doc = "How far a signature's time may be from ours.",
      .min = kSecond,
      .max = kHour},
     &Sigv4::skew},
}};

constexpr std::array<Field<Jobs>, 3> kJobs{{
    {{.name = "due_confirmation",
      .type = Type::duration,
      .doc = "A due deletion runs, and expired key material is destroyed, once the clock was seen "
             "past its date for this long of the daemon's own uptime. Expired material serves "
             "nobody from its date on.",
      .min = 0,
      .max = 30 * kDay},
     &Jobs::due_confirmation},
    {{.name = "max_clock_jump",
      .type = Type::duration,
      .doc = "A forward jump of the clock beyond this stops such jobs until the daemon is "
             "restarted; 0: no jump does.",
      .min = 0,
      .max = 3650 * kDay},
     &Jobs::max_clock_jump},
    {{.name = "interval",
      .type = Type::duration,
      .doc = "How often the jobs look for work.",
      .min = 10,
      .max = kDay},
     &Jobs::interval},
}};

constexpr std::array<std::pair<std::string_view, pkcs11::GcmIv>, 3> kGcmIvs{{
    {"host", pkcs11::GcmIv::host},
    {"in_param", pkcs11::GcmIv::in_param},
    {"appended", pkcs11::GcmIv::appended},
}};

}  // namespace

template <>
std::span<const Field<Config>> fields<Config>() {
  return kConfig;
}
template <>
std::span<const Field<Storage>> fields<Storage>() {
  return kStorage;
}
template <>
std::span<const Field<Audit>> fields<Audit>() {
  return kAudit;
}
template <>
std::span<const Field<Listener>> fields<Listener>() {
  return kListener;
}
template <>
std::span<const Field<TlsFiles>> fields<TlsFiles>() {
  return kTls;
}
template <>
std::span<const Field<Region>> fields<Region>() {
  return kRegion;
}
template <>
std::span<const Field<Cluster>> fields<Cluster>() {
  return kCluster;
}
template <>
std::span<const Field<Token>> fields<Token>() {
  return kToken;
}
template <>
std::span<const Field<pkcs11::Quirks>> fields<pkcs11::Quirks>() {
  return kQuirks;
}
template <>
std::span<const Field<Principal>> fields<Principal>() {
  return kPrincipal;
}
template <>
std::span<const Field<AccessKey>> fields<AccessKey>() {
  return kAccessKey;
}
template <>
std::span<const Field<Group>> fields<Group>() {
  return kGroup;
}
template <>
std::span<const Field<SecretForm>> fields<SecretForm>() {
  return kSecretForm;
}
template <>
std::span<const Field<Limits>> fields<Limits>() {
  return kLimits;
}
template <>
std::span<const Field<Sigv4>> fields<Sigv4>() {
  return kSigv4;
}
template <>
std::span<const Field<Jobs>> fields<Jobs>() {
  return kJobs;
}

std::string_view name_of(pkcs11::GcmIv iv) {
  for (const auto& [name, value] : kGcmIvs) {
    if (value == iv) return name;
  }
  return {};
}

std::optional<pkcs11::GcmIv> gcm_iv_named(std::string_view name) {
  for (const auto& [known, value] : kGcmIvs) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string format_duration(std::chrono::milliseconds duration) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 5> kUnits{
      {{kDay, "d"}, {kHour, "h"}, {60 * kSecond, "m"}, {kSecond, "s"}, {1, "ms"}}};
  const std::int64_t count = duration.count();
  if (count == 0) return "0";
  for (const auto& [unit, name] : kUnits) {
    if (count % unit == 0) return std::to_string(count / unit).append(name);
  }
  return {};
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> kUnits{
      {{kGiB, "GiB"}, {kMiB, "MiB"}, {1024, "KiB"}}};
  for (const auto& [unit, name] : kUnits) {
    if (bytes != 0 && bytes % unit == 0) return std::to_string(bytes / unit).append(name);
  }
  return std::to_string(bytes);
}

std::string yaml_text(std::string_view text) {
  const bool plain = !text.empty() &&
                     text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_-./") == std::string_view::npos &&
                     text.find_first_not_of("0123456789.-") != std::string_view::npos &&
                     text.front() != '-' && text != "null" && text != "Null" && text != "NULL" &&
                     text != "true" && text != "false";
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n' || c == '\t' || c == '\r') {
      quoted += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace config
