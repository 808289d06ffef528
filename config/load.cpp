#include "config/load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <system_error>

#include "config/files.h"
#include "config/policy.h"
#include "config/reader.h"
#include "config/time.h"
#include "pkcs11/error.h"

namespace config {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool consists_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_account(std::string_view text) { return text.size() == 12 && consists_of(text, kDigits); }

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 64 && consists_of(text, kLowerAndDigits) &&
         text.front() != '-' && text.back() != '-';
}

// CloudHsmClusterIdType of the KMS model.
bool is_cluster_id(std::string_view text) {
  constexpr std::string_view kPrefix = "cluster-";
  constexpr std::string_view kCharacters =
      "234567abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return text.size() >= 19 && text.size() <= 24 && text.starts_with(kPrefix) &&
         consists_of(text.substr(kPrefix.size()), kCharacters);
}

// accessKeyIdType of the IAM model: 16 to 128 of [\w].
bool is_access_key_id(std::string_view text) {
  return text.size() >= 16 && text.size() <= 128 &&
         consists_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}

// existingUserNameType and pathType of the IAM model, joined: names of [\w+=,.@-] between slashes.
bool is_iam_name(std::string_view text) {
  return !text.empty() && text.size() <= 512 + 64 && text.front() != '/' && text.back() != '/' &&
         consists_of(text,
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-/");
}

/// IAM takes names for the same that differ in upper and lower case only.
bool is_same_iam_name(const std::string& a, const std::string& b) {
  return ::strcasecmp(a.c_str(), b.c_str()) == 0;
}

/// An IAM id as AWS forms them, but the same for the same ARN: a prefix and 17 of base32.
std::string derived_unique_id(std::string_view prefix, const std::string& arn) {
  constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(arn.data()), arn.size(), digest.data());
  std::string id(prefix);
  for (std::size_t i = 0; i < 17; ++i) id += kBase32[digest.at(i) % kBase32.size()];
  return id;
}

/// Longest as IAM has it.
bool is_unique_id(std::string_view prefix, std::string_view text) {
  return text.size() > prefix.size() && text.size() <= 128 && text.starts_with(prefix) &&
         consists_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_user(const Principal& principal) {
  return principal.arn.find(":user/") != std::string::npos;
}
bool is_role(const Principal& principal) {
  return principal.arn.find(":role/") != std::string::npos;
}

bool is_root(const Principal& principal) { return !is_user(principal) && !is_role(principal); }

/// Reads one file into a Config, section by section.
class Loader {
 public:
  Loader(const std::string& file, Environment& environment)
      : reader_(file), environment_(environment) {}

  Config load(const Node& root) {
    reader_.read(root, config_);
    read_accounts(*root.find("accounts"));
    read_places(root);
    read_listeners(root);
    read_section(root, "limits", config_.limits);
    read_section(root, "sigv4", config_.sigv4);
    read_section(root, "jobs", config_.jobs);
    read_regions(root);
    if (const Node* clusters = root.find("clusters")) read_clusters(*clusters);
    if (const Node* groups = root.find("groups")) read_groups(*groups);
    if (const Node* principals = root.find("principals")) read_principals(*principals);
    return std::move(config_);
  }

 private:
  template <class T>
  void read_section(const Node& parent, std::string_view name, T& section) const {
    if (const Node* node = parent.find(name)) reader_.read(*node, section);
  }

  void read_accounts(const Node& node) {
    reader_.expect_list(node);
    if (node.children.empty()) reader_.refuse(node, "names no account");
    for (const auto& child : node.children) {
      const std::string account = reader_.text(*child);
      if (!is_account(account)) reader_.refuse(*child, "expected an account: 12 digits");
      if (has_account(account)) reader_.refuse(*child, "repeated account");
      config_.accounts.push_back(account);
    }
  }

  void read_places(const Node& root) {
    const Node& storage = *root.find("storage");
    reader_.read(storage, config_.storage);
    check_directory_of(reader_, *storage.find("sqlite"), config_.storage.sqlite);
    const Node& audit = *root.find("audit");
    reader_.read(audit, config_.audit);
    check_directory_of(reader_, *audit.find("file"), config_.audit.file);
  }

  void read_listeners(const Node& root) {
    if (const Node* listeners = root.find("listeners")) {
      reader_.expect_list(*listeners);
      if (listeners->children.empty()) reader_.refuse(*listeners, "names no listener");
      for (const auto& child : listeners->children) {
        Listener listener;
        read_listener(*child, listener);
        config_.listeners.push_back(std::move(listener));
      }
    } else {
      config_.listeners.emplace_back();
    }
    const Node* admin = root.find("admin");
    if (admin != nullptr) read_listener(*admin, config_.admin);
    check_no_shared_address(root, admin);
  }

  void read_listener(const Node& node, Listener& listener) const {
    reader_.read(node, listener);
    const Node* address = node.find("address");
    const auto loopback = is_loopback(listener.address);
    if (!loopback) reader_.refuse(*address, "expected an IPv4 or IPv6 address");
    if (const Node* tls = node.find("tls")) {
      listener.tls.emplace();
      reader_.read(*tls, *listener.tls);
      check_tls_files(reader_, *tls, *listener.tls);
    } else if (!*loopback && !listener.allow_plain_http) {
      reader_.refuse(
          *address,
          "plain HTTP is served on the loopback only; set tls, or allow_plain_http to accept that "
          "anyone on the way reads and changes it");
    }
  }

  /// nullopt: not an address.
  static std::optional<bool> is_loopback(const std::string& address) {
    in_addr v4{};
    if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
      const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
      return IN6_IS_ADDR_LOOPBACK(&v6) || mapped;
    }
    return std::nullopt;
  }

  void check_no_shared_address(const Node& root, const Node* admin) const {
    const Node* listeners = root.find("listeners");
    std::vector<std::pair<const Listener*, const Node*>> all;
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
      all.emplace_back(&config_.listeners[i],
                       listeners == nullptr ? &root : listeners->children[i].get());
    }
    all.emplace_back(&config_.admin, admin == nullptr ? &root : admin);
    for (auto one = all.begin(); one != all.end(); ++one) {
      for (auto other = all.begin(); other != one; ++other) {
        if (one->first->port != 0 && one->first->port == other->first->port &&
            one->first->address == other->first->address) {
          reader_.refuse(*one->second, "the same address and port as another listener's");
        }
      }
    }
  }

  void read_token(const Node& node, Token& token) const {
    reader_.read(node, token);
    check_readable(reader_, *node.find("module"), token.module);
    const Node* uri = node.find("uri");
    using Selector = pkcs11::TokenSelector;
    constexpr std::array<std::pair<std::string_view, std::optional<std::string> Selector::*>, 4>
        kParts{{{"label", &Selector::label},
                {"serial", &Selector::serial},
                {"manufacturer", &Selector::manufacturer},
                {"model", &Selector::model}}};
    bool chosen = uri != nullptr;
    for (const auto& [name, member] : kParts) {
      const Node* part = node.find(name);
      if (part == nullptr) continue;
      if (uri != nullptr) reader_.refuse_key(*part, "the token is chosen by uri already");
      token.selector.*member = reader_.text(*part);
      if ((token.selector.*member)->empty()) reader_.refuse(*part, "must not be empty");
      chosen = true;
    }
    if (!chosen) reader_.refuse_key(node, "chooses no token; give uri, or label and serial");
    if (uri != nullptr) {
      try {
        token.selector = Selector::from_uri(reader_.text(*uri));
      } catch (const pkcs11::Error& error) {
        reader_.refuse(*uri, printable(error.what()));
      }
    }
    read_section(node, "quirks", token.quirks);
  }

  void read_regions(const Node& root) {
    const Node& node = *root.find("regions");
    reader_.expect_mapping(node);
    if (node.children.empty()) reader_.refuse(node, "names no Region");
    for (const auto& child : node.children) {
      if (!is_region(child->key))
        reader_.refuse_key(*child, "expected a Region's name such as us-east-1");
      reader_.expect_section<Region>(*child);
      Region region;
      region.name = child->key;
      read_token(*child->find("token"), region.token);
      Secret pin = read_secret(reader_, *child->find("pin"), environment_);
      region.pin = std::move(pin.value);
      region.pin_source = std::move(pin.source);
      config_.regions.push_back(std::move(region));
    }
    const Node* given = root.find("default_region");
    if (given == nullptr) config_.default_region = config_.regions.front().name;
    if (!has_region(config_.default_region)) reader_.refuse(*given, "not one of regions");
  }

  void read_clusters(const Node& node) {
    reader_.expect_mapping(node);
    for (const auto& child : node.children) {
      if (!is_cluster_id(child->key)) {
        reader_.refuse_key(*child, "expected a cluster id: cluster- and 11 to 16 of 2-7, a-z, A-Z");
      }
      Cluster cluster;
      cluster.id = child->key;
      reader_.read(*child, cluster);
      if (!has_account(cluster.account))
        reader_.refuse(*child->find("account"), "not one of accounts");
      if (!has_region(cluster.region)) reader_.refuse(*child->find("region"), "not one of regions");
      cluster.trust_anchor = read_certificate(reader_, *child->find("trust_anchor"));
      read_token(*child->find("token"), cluster.token);
      config_.clusters.push_back(std::move(cluster));
    }
  }

  void read_principals(const Node& node) {
    reader_.expect_mapping(node);
    for (const auto& child : node.children) {
      Principal principal;
      principal.arn = child->key;
      reader_.read(*child, principal);
      identify(*child, principal);
      if (const Node* keys = child->find("access_keys")) read_access_keys(*keys, principal);
      if (is_root(principal)) refuse_policies(*child);
      principal.policies = read_policies(reader_, *child);
      if (const Node* boundary = child->find("permissions_boundary")) {
        principal.permissions_boundary = read_policy(reader_, *boundary, "permissions_boundary");
      }
      if (const Node* groups = child->find("groups")) read_groups_of(*groups, principal);
      if (const Node* tags = child->find("tags")) principal.tags = read_tags(*tags);
      read_role(*child, principal);
      config_.principals.push_back(std::move(principal));
    }
  }

  /// IAM attaches none to a root, which may do everything in its account.
  void refuse_policies(const Node& node) const {
    for (const char* name : {"policy", "policies", "permissions_boundary"}) {
      if (const Node* given = node.find(name)) reader_.refuse_key(*given, "a root has none");
    }
  }

  /// What only roles have.
  void read_role(const Node& node, Principal& principal) const {
    for (const char* name : {"trust_policy", "max_session_duration", "sessions_not_before"}) {
      const Node* given = node.find(name);
      if (given != nullptr && !is_role(principal))
        reader_.refuse_key(*given, "only a role has one");
    }
    if (const Node* trust = node.find("trust_policy")) {
      principal.trust_policy = read_policy(reader_, *trust, "trust_policy");
    }
    if (const Node* duration = node.find("max_session_duration")) {
      principal.max_session_duration = std::chrono::floor<std::chrono::seconds>(
          reader_.duration(*duration, option_of<Principal>("max_session_duration"), true));
    }
    if (const Node* time = node.find("sessions_not_before")) {
      principal.sessions_not_before = parse_time(reader_.text(*time));
      if (!principal.sessions_not_before) {
        reader_.refuse(*time, "expected a time in UTC such as 2026-11-24T00:00:00Z");
      }
    }
  }

  void read_groups_of(const Node& node, Principal& principal) const {
    if (!is_user(principal)) reader_.refuse_key(node, "only a user is in groups");
    reader_.expect_list(node);
    for (const auto& child : node.children) {
      const std::string name = reader_.text(*child);
      const auto group = std::ranges::find_if(config_.groups, [&](const Group& known) {
        return known.account == principal.account && known.name == name;
      });
      if (group == config_.groups.end()) {
        reader_.refuse(*child, "not one of groups, by its name, of this account");
      }
      if (std::ranges::count(principal.groups, group->arn) != 0) {
        reader_.refuse(*child, "repeated group");
      }
      principal.groups.push_back(group->arn);
    }
  }

  // tagKeyType and tagValueType of the IAM model; keys differ in more than upper and lower case.
  [[nodiscard]] std::map<std::string, std::string> read_tags(const Node& node) const {
    constexpr std::size_t kMostTags = 50;
    reader_.expect_mapping(node);
    if (node.children.size() > kMostTags) reader_.refuse(node, "more than 50 tags");
    std::map<std::string, std::string> tags;
    std::set<std::string> folded;
    for (const auto& child : node.children) {
      if (child->key.empty() || child->key.size() > 128) {
        reader_.refuse_key(*child, "expected a tag key of 1 to 128 characters");
      }
      std::string key = child->key;
      std::ranges::transform(key, key.begin(), [](char c) { return lower(c); });
      if (!folded.insert(key).second) {
        reader_.refuse_key(*child, "another tag's key differs in upper and lower case only");
      }
      std::string value = reader_.text(*child);
      if (value.size() > 256)
        reader_.refuse(*child, "expected a tag value of at most 256 characters");
      tags.emplace(child->key, std::move(value));
    }
    return tags;
  }

  void read_groups(const Node& node) {
    reader_.expect_mapping(node);
    const std::string prefix = "arn:" + config_.partition + ":iam::";
    constexpr std::string_view kGroup = ":group/";
    for (const auto& child : node.children) {
      reader_.expect_section<Group>(*child);
      Group group;
      group.arn = child->key;
      const std::string_view rest =
          group.arn.starts_with(prefix) ? std::string_view(group.arn).substr(prefix.size()) : "";
      group.account = rest.substr(0, 12);
      const std::string_view resource = rest.substr(group.account.size());
      if (!is_account(group.account) || !resource.starts_with(kGroup) ||
          !is_iam_name(resource.substr(kGroup.size()))) {
        reader_.refuse_key(*child,
                           "expected arn:" + config_.partition + ":iam::ACCOUNT:group/NAME");
      }
      if (!has_account(group.account)) {
        reader_.refuse_key(*child, "its account is not one of accounts");
      }
      group.name = resource.substr(resource.rfind('/') + 1);
      const bool repeated = std::ranges::any_of(config_.groups, [&](const Group& known) {
        return known.account == group.account && is_same_iam_name(known.name, group.name);
      });
      if (repeated) reader_.refuse_key(*child, "another group of this account has the same name");
      group.policies = read_policies(reader_, *child);
      config_.groups.push_back(std::move(group));
    }
  }

  /// Account, name and id out of the ARN.
  void identify(const Node& node, Principal& principal) const {
    const std::string expected =
        "expected arn:" + config_.partition + ":iam::ACCOUNT:user/NAME, :role/NAME or :root";
    const std::string prefix = "arn:" + config_.partition + ":iam::";
    const std::string_view arn = principal.arn;
    if (!arn.starts_with(prefix) || arn.size() < prefix.size() + 13)
      reader_.refuse_key(node, expected);
    principal.account = arn.substr(prefix.size(), 12);
    const std::string_view resource = arn.substr(prefix.size() + 12);
    const bool user = is_user(principal);
    const bool role = is_role(principal);
    const bool root = resource == ":root";
    if (!is_account(principal.account) || (!user && !role && !root))
      reader_.refuse_key(node, expected);
    if (!has_account(principal.account))
      reader_.refuse_key(node, "its account is not one of accounts");
    if (!root && !is_iam_name(resource.substr(6))) reader_.refuse_key(node, expected);
    principal.name = root ? "root" : resource.substr(resource.rfind('/') + 1);
    const bool repeated = std::ranges::any_of(config_.principals, [&](const Principal& known) {
      return known.account == principal.account && is_same_iam_name(known.name, principal.name) &&
             is_user(known) == user && is_role(known) == role;
    });
    if (repeated) {
      reader_.refuse_key(node,
                         "another one of this account has the same name, in another path or in "
                         "upper and lower case");
    }
    if (const Node* id = node.find("unique_id")) {
      check_unique_id(*id, principal);
    } else if (root) {
      principal.unique_id = principal.account;
    } else {
      principal.unique_id = derived_unique_id(user ? "AIDA" : "AROA", principal.arn);
    }
    const bool taken = std::ranges::any_of(config_.principals, [&](const Principal& known) {
      return known.unique_id == principal.unique_id;
    });
    if (taken) reader_.refuse_key(node, "another one has the same unique_id");
    const Node* keys = node.find("access_keys");
    if (role && keys != nullptr)
      reader_.refuse_key(*keys, "a role has no access keys; it is assumed");
  }

  void check_unique_id(const Node& node, const Principal& principal) const {
    if (is_root(principal)) reader_.refuse_key(node, "the id of a root is its account");
    const std::string_view prefix = is_user(principal) ? "AIDA" : "AROA";
    if (is_unique_id(prefix, principal.unique_id)) return;
    reader_.refuse(node, "expected " + std::string(prefix) +
                             " and capital letters and digits, 128 characters at most");
  }

  void read_access_keys(const Node& node, Principal& principal) {
    reader_.expect_mapping(node);
    for (const auto& child : node.children) {
      if (!is_access_key_id(child->key)) {
        reader_.refuse_key(*child, "expected an access key id: 16 to 128 letters, digits or _");
      }
      if (child->key.starts_with("ASIA")) {
        reader_.refuse_key(*child, "ASIA is how temporary access keys begin");
      }
      const auto [first, fresh] = access_keys_.try_emplace(child->key, principal.arn);
      if (!fresh)
        reader_.refuse_key(*child,
                           "this access key is already that of " + printable(first->second));
      AccessKey key;
      key.id = child->key;
      reader_.read(*child, key);
      Secret secret = read_secret(reader_, *child->find("secret"), environment_);
      key.secret = std::move(secret.value);
      key.secret_source = std::move(secret.source);
      principal.access_keys.push_back(std::move(key));
    }
  }

  [[nodiscard]] bool has_account(const std::string& account) const {
    return std::find(config_.accounts.begin(), config_.accounts.end(), account) !=
           config_.accounts.end();
  }
  [[nodiscard]] bool has_region(const std::string& name) const {
    return std::any_of(config_.regions.begin(), config_.regions.end(),
                       [&](const Region& region) { return region.name == name; });
  }

  Reader reader_;
  Environment& environment_;
  Config config_;
  std::map<std::string, std::string> access_keys_;  // id to ARN
};

std::string read_text(const std::string& file) {
  const auto refuse = [&](const std::string& text) { throw Error(file, 1, 1, ".", text); };
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) refuse("cannot read: " + std::generic_category().message(errno));
  const std::shared_ptr<void> closer(nullptr, [fd](void*) { ::close(fd); });
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) refuse("not a regular file");
  std::string text(kMaxFileBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse("cannot read: " + std::generic_category().message(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

Config load(const std::string& file, std::string_view text, Environment& environment) {
  const auto root = parse_yaml(file, text);
  return Loader(file, environment).load(*root);
}

}  // namespace

Error::Error(const std::string& file, int line, int column, const std::string& key_path,
             const std::string& text)
    : std::runtime_error(file + ':' + std::to_string(line) + ':' + std::to_string(column) + ": " +
                         key_path + ": " + text) {}

Config load(const std::string& file) { return load(file, read_text(file)); }

Config load(const std::string& file, Environment& environment) {
  return load(file, read_text(file), environment);
}

Config load(const std::string& file, std::string_view text) {
  Environment environment;
  return load(file, text, environment);
}

}  // namespace config
