#include <algorithm>
#include <ostream>
#include <sstream>

#include "config/load.h"
#include "config/options.h"
#include "config/time.h"

namespace config {
namespace {

/// Writes block mappings, two spaces a level.
class Printer {
 public:
  explicit Printer(std::ostream& out) : out_(out) {}

  void config(const Config& config) {
    line("accounts: " + flow_list(config.accounts));
    members(config);
    section("storage", config.storage);
    section("audit", config.audit);
    line("listeners:");
    for (const Listener& each : config.listeners) {
      nested([&] { item([&] { listener(each); }); });
    }
    line("admin:");
    nested([&] { listener(config.admin); });
    section("limits", config.limits);
    section("sigv4", config.sigv4);
    section("jobs", config.jobs);
    regions(config);
    clusters(config);
    groups(config);
    principals(config);
  }

 private:
  template <class Body>
  void nested(const Body& body) {
    ++depth_;
    body();
    --depth_;
  }

  /// One of a list: nested, its first line behind a dash.
  template <class Body>
  void item(const Body& body) {
    prefix_ = "- ";
    nested(body);
  }

  void line(const std::string& text) {
    // A list's dash takes the place of the last two spaces of its first line.
    const std::size_t indent = 2 * depth_ - prefix_.size();
    out_ << std::string(indent, ' ') << prefix_ << text << '\n';
    prefix_.clear();
  }

  template <class T>
  void members(const T& object) {
    for (const Field<T>& field : fields<T>()) {
      if (const auto value = format_member(field, object))
        line(std::string(field.option.name) + ": " + *value);
    }
  }

  template <class T>
  void section(const std::string& name, const T& object) {
    line(name + ':');
    nested([&] { members(object); });
  }

  static std::string flow_list(const std::vector<std::string>& values) {
    std::string list = "[";
    for (const std::string& value : values)
      list.append(list.size() == 1 ? "" : ", ").append(yaml_text(value));
    return list + ']';
  }

  void secret(const std::string& name, const std::string& source) {
    line(name + ": \"***\"  # " + source);
  }

  void listener(const Listener& listener) {
    members(listener);
    if (listener.tls) section("tls", *listener.tls);
  }

  void token(const Token& token) {
    line("token:");
    nested([&] {
      members(token);
      const auto part = [&](const char* name, const std::optional<std::string>& value) {
        if (value) line(std::string(name) + ": " + yaml_text(*value));
      };
      part("label", token.selector.label);
      part("serial", token.selector.serial);
      part("manufacturer", token.selector.manufacturer);
      part("model", token.selector.model);
      section("quirks", token.quirks);
    });
  }

  void regions(const Config& config) {
    line("regions:");
    for (const Region& region : config.regions) {
      nested([&] {
        line(yaml_text(region.name) + ':');
        nested([&] {
          token(region.token);
          secret("pin", region.pin_source);
        });
      });
    }
  }

  void clusters(const Config& config) {
    line(config.clusters.empty() ? "clusters: {}" : "clusters:");
    for (const Cluster& cluster : config.clusters) {
      nested([&] {
        line(yaml_text(cluster.id) + ':');
        nested([&] {
          members(cluster);
          token(cluster.token);
        });
      });
    }
  }

  void principals(const Config& config) {
    line(config.principals.empty() ? "principals: {}" : "principals:");
    for (const Principal& principal : config.principals) {
      nested([&] {
        line(yaml_text(principal.arn) + ':');
        nested([&] {
          members(principal);
          access_keys(principal);
          policies(principal.policies);
          policy("permissions_boundary", principal.permissions_boundary);
          policy("trust_policy", principal.trust_policy);
          if (!principal.groups.empty())
            line("groups: " + flow_list(group_names(config, principal)));
          if (!principal.tags.empty()) tags(principal);
          if (principal.arn.find(":role/") != std::string::npos) {
            line("max_session_duration: " + format_duration(principal.max_session_duration));
          }
          if (principal.sessions_not_before) {
            line("sessions_not_before: " + yaml_text(format_time(*principal.sessions_not_before)));
          }
        });
      });
    }
  }

  void groups(const Config& config) {
    line(config.groups.empty() ? "groups: {}" : "groups:");
    for (const Group& group : config.groups) {
      nested([&] {
        line(yaml_text(group.arn) + ':');
        nested([&] { policies(group.policies); });
      });
    }
  }

  static std::vector<std::string> group_names(const Config& config, const Principal& principal) {
    std::vector<std::string> names;
    for (const Group& group : config.groups) {
      if (std::ranges::count(principal.groups, group.arn) != 0) names.push_back(group.name);
    }
    return names;
  }

  void tags(const Principal& principal) {
    line("tags:");
    nested([&] {
      for (const auto& [key, value] : principal.tags) {
        line(yaml_text(key) + ": " + yaml_text(value));
      }
    });
  }

  void access_keys(const Principal& principal) {
    if (principal.access_keys.empty()) return;
    line("access_keys:");
    for (const AccessKey& key : principal.access_keys) {
      nested([&] {
        line(yaml_text(key.id) + ':');
        nested([&] {
          members(key);
          secret("secret", key.secret_source);
        });
      });
    }
  }

  void policies(const std::vector<Policy>& policies) {
    line(policies.empty() ? "policies: {}" : "policies:");
    nested([&] {
      for (const Policy& each : policies) policy(each.name, each);
    });
  }

  /// JSON, which YAML takes as it is when each line is indented deeper than its key.
  void policy(const std::string& name, const std::optional<Policy>& policy) {
    if (!policy) return;
    line(yaml_text(name) + ':');
    nested([&] {
      std::istringstream lines(policy->json);
      for (std::string each; std::getline(lines, each);) line(each);
    });
  }

  std::ostream& out_;
  std::size_t depth_ = 0;
  std::string prefix_;
};

}  // namespace

void print(const Config& config, std::ostream& out) { Printer(out).config(config); }

}  // namespace config
