#include <ostream>

#include "config/load.h"
#include "config/options.h"

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
          policy(principal);
        });
      });
    }
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

  void policy(const Principal& principal) {
    line(principal.statements.empty() ? "policy: []" : "policy:");
    for (const Statement& statement : principal.statements) {
      nested([&] {
        item([&] {
          members(statement);
          line(std::string("Effect: ") + (statement.allow ? "Allow" : "Deny"));
          line("Action: " + flow_list(statement.actions));
          line("Resource: \"*\"");
        });
      });
    }
  }

  std::ostream& out_;
  std::size_t depth_ = 0;
  std::string prefix_;
};

}  // namespace

void print(const Config& config, std::ostream& out) { Printer(out).config(config); }

}  // namespace config
