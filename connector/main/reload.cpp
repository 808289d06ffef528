#include "connector/main/reload.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "config/changes.h"
#include "config/load.h"
#include "connector/base/log.h"

namespace kms {
namespace {

constexpr std::string_view kSource = "main";

/// Principals of an account that is new are nobody to the rest of the daemon.
void check_accounts(const config::Config& loaded, const config::Config& started) {
  for (const config::Principal& principal : loaded.principals) {
    if (std::ranges::count(started.accounts, principal.account) == 0) {
      throw std::runtime_error("principals." + principal.arn +
                               ": its account is served after a restart only");
    }
  }
}

void warn_of_the_rest(const std::vector<std::string>& changed) {
  for (const std::string& section : changed) {
    if (section == "groups" || section == "principals") continue;
    log(LogLevel::warning, kSource, section + " was changed: that needs a restart");
  }
}

}  // namespace

bool reload_identities(const std::string& file, config::Environment& environment,
                       const config::Config& started, service::Application& application) noexcept {
  try {
    try {
      config::Config loaded = config::load(file, environment);
      check_accounts(loaded, started);
      const std::vector<std::string> changed = config::changed_sections(started, loaded);
      loaded.accounts = started.accounts;
      application.replace_identities(std::make_shared<const auth::Identities>(loaded));
      warn_of_the_rest(changed);
      log(LogLevel::info, kSource, "configuration reloaded");
      return true;
    } catch (const std::exception& error) {
      log(LogLevel::error, kSource,
          std::string("configuration not reloaded, what was in effect stays: ") + error.what());
    }
  } catch (...) {  // no memory, not even to log it
  }
  return false;
}

}  // namespace kms
