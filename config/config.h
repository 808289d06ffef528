#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkcs11/module.h"
#include "pkcs11/secret_bytes.h"
#include "pkcs11/split_secret.h"

// The daemon's configuration as values. The loader (load.h) has checked everything that can be
// checked without opening a token or a socket; secrets are already read from their files.
namespace config {

/// How to reach one token.
struct Token {
  std::string module;     // path of the PKCS#11 library
  std::string init_args;  // C_Initialize string for modules that want one (NSS)
  pkcs11::TokenSelector selector;
  std::size_t sessions = 16;
  std::size_t cached_materials = 10000;
  pkcs11::Quirks quirks;
};

/// A Region served by this daemon, with the token for keys outside custom key stores.
struct Region {
  std::string name;
  Token token;
  pkcs11::SplitSecret pin;
  std::string pin_source;  // where it came from, for print(): "{file: /etc/...}"
};

/// An HSM (cluster) that CreateCustomKeyStore may name.
struct Cluster {
  std::string id;  // "cluster-" ...
  std::string account;
  std::string region;
  Token token;                             // no PIN: that is the KeyStorePassword
  std::vector<std::uint8_t> trust_anchor;  // the certificate, DER
  std::string trust_anchor_file;
  std::string related_group;  // clusters of one non-empty group share a backup history
};

struct AccessKey {
  std::string id;
  pkcs11::SecretBytes secret;
  std::string secret_source;  // as Region::pin_source
  bool active = true;
};

/// Where something stands in the file.
struct Place {
  int line = 1;
  int column = 1;
  std::string key_path;
};

/// A policy in IAM's language, not looked into: those who enforce it parse it, and find the place
/// of a fault here.
struct Policy {
  std::string name;  // under which decisions cite it
  std::string json;  // every scalar a string
  std::string file;
  /// By path in the document: "" for the whole, "Statement[1].Condition.StringEquals".
  std::map<std::string, Place, std::less<>> places;

  /// The place of the element, or of the nearest one above it that is known.
  [[nodiscard]] const Place& place_of(std::string_view path) const;
};

/// An IAM identity known to the daemon, its keys and what its policies say. A role has no keys.
struct Principal {
  std::string arn;  // arn:aws:iam::ACCOUNT:user/NAME, :role/NAME or :root
  std::string account;
  std::string name;
  std::string unique_id;  // AIDA..., AROA... or the account; derived from the ARN when not given
  std::vector<AccessKey> access_keys;
  std::vector<Policy> policies;
  std::vector<std::string> groups;  // ARNs of users' groups
  std::optional<Policy> permissions_boundary;
  std::map<std::string, std::string> tags;
  // Of roles.
  std::optional<Policy> trust_policy;
  std::chrono::seconds max_session_duration{3600};
  /// Sessions that began earlier are refused; unset: none.
  std::optional<std::chrono::sys_seconds> sessions_not_before;
};

/// What its users have in common.
struct Group {
  std::string arn;  // arn:aws:iam::ACCOUNT:group/NAME
  std::string account;
  std::string name;
  std::vector<Policy> policies;
};

struct TlsFiles {
  std::string certificate;  // PEM chain
  std::string private_key;  // PEM
};

struct Listener {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;    // 0: any free one
  std::optional<TlsFiles> tls;  // unset: plain HTTP, loopback only unless allow_plain_http
  bool allow_plain_http = false;
};

struct Limits {
  std::size_t max_body_bytes = 1024 * 1024;
  std::size_t max_connections = 256;
  std::size_t queued_connections = 64;
  std::chrono::milliseconds header_timeout{10000};
  std::chrono::milliseconds idle_timeout{60000};
  std::chrono::milliseconds request_deadline{5000};          // for the token's part of a request
  std::chrono::milliseconds key_generation_deadline{60000};  // the same, where keys are made
  std::chrono::milliseconds drain_timeout{10000};
  std::size_t keys_per_account = 100000;
  std::size_t aliases_per_key = 50;
  std::size_t tags_per_key = 50;
  std::size_t grants_per_key = 50000;
  std::size_t on_demand_rotations_per_key = 25;
  std::size_t key_stores_per_account = 10;
  std::uint64_t invocations_per_generation = std::uint64_t{1} << 31;
  std::size_t request_rates = 0;                  // percent of AWS's request quotas; 0: unlimited
  std::size_t failed_signatures_per_minute = 30;  // of an access key from an address; 0: unlimited
};

struct Sigv4 {
  std::chrono::seconds skew{300};
};

struct Jobs {
  /// A due deletion runs only after the clock was seen past its date for this long of our own
  /// uptime.
  std::chrono::seconds due_confirmation{3600};
  /// A forward jump of the clock beyond this stops due jobs until a restart; 0: never.
  std::chrono::seconds max_clock_jump{86400};
  std::chrono::milliseconds interval{1000};
};

struct Storage {
  std::string sqlite;  // path of the database
};

struct Audit {
  std::string file;
  std::uint64_t rotate_bytes = 100 * 1024 * 1024;
  std::size_t keep_files = 10;
};

struct Config {
  std::string partition = "aws";
  std::vector<std::string> accounts;
  std::string default_region;
  std::vector<Region> regions;
  std::vector<Cluster> clusters;
  std::vector<Group> groups;
  std::vector<Principal> principals;
  std::vector<Listener> listeners;
  Listener admin{.address = "127.0.0.1", .port = 8081};
  Limits limits;
  Sigv4 sigv4;
  Jobs jobs;
  Storage storage;
  Audit audit;
  std::string log_level = "info";
  std::chrono::seconds clock_offset{0};  // moves all time but SigV4's; development only
  /// HSMs that must answer for CreateCustomKeyStore; AWS wants 2.
  std::size_t minimum_hsms = 1;
};

}  // namespace config
