#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "config/load.h"
#include "connector/auth/identities.h"
#include "connector/base/log.h"
#include "connector/main/arguments.h"
#include "connector/main/daemon.h"
#include "connector/main/hardening.h"
#include "connector/main/scheduling.h"
#include "connector/main/signals.h"

namespace {

constexpr int kCannotServe = 1;
constexpr int kConfigurationFault = 2;
constexpr std::size_t kSecretHeap = 4 * 1024 * 1024;

kms::LogLevel level_named(const std::string& name) {
  if (name == "debug") return kms::LogLevel::debug;
  if (name == "warning") return kms::LogLevel::warning;
  if (name == "error") return kms::LogLevel::error;
  return kms::LogLevel::info;
}

int run(const kms::Arguments& arguments) {
  // Before the first secret is read and the first thread begins.
  const std::vector<std::string> warnings = kms::harden_process(kSecretHeap);
  const kms::Signals signals;
  config::Environment environment;
  const config::Config config = config::load(arguments.config, environment);
  if (arguments.mode == kms::Mode::check_config) {
    static_cast<void>(kms::auth::Identities(config));  // parses the policies
    return 0;
  }
  if (arguments.mode == kms::Mode::print_config) {
    config::print(config, std::cout);
    return std::cout.flush() ? 0 : kCannotServe;
  }
  kms::set_log_level(level_named(config.log_level));
  for (const std::string& warning : warnings) kms::log(kms::LogLevel::warning, "main", warning);
  kms::let_threads_finish();
  kms::serve(config, arguments.config, environment, signals);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    const auto parsed = kms::parse_arguments(words.empty() ? words : words.subspan(1));
    if (!parsed.arguments) {
      std::cerr << "kms-connectord: " << parsed.fault << "\n\n" << kms::usage();
      return kConfigurationFault;
    }
    if (parsed.arguments->mode == kms::Mode::help) {
      std::cout << kms::usage();
      return 0;
    }
    if (parsed.arguments->mode == kms::Mode::version) {
      std::cout << "kms-connectord " KMS_VERSION "\n";
      return 0;
    }
    return run(*parsed.arguments);
  } catch (const config::Error& error) {
    std::cerr << error.what() << '\n';
    return kConfigurationFault;
  } catch (const std::exception& error) {
    std::cerr << "kms-connectord: " << error.what() << '\n';
    return kCannotServe;
  }
}
