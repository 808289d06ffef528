#include "connector/main/arguments.h"

#include <array>
#include <utility>

namespace kms {
namespace {

constexpr std::array<std::pair<std::string_view, Mode>, 4> kModes{{
    {"--check-config", Mode::check_config},
    {"--print-config", Mode::print_config},
    {"--version", Mode::version},
    {"--help", Mode::help},
}};

std::optional<Mode> mode_named(std::string_view argument) {
  for (const auto& [name, mode] : kModes) {
    if (argument == name) return mode;
  }
  return std::nullopt;
}

ParsedArguments fault(std::string text) { return {std::nullopt, std::move(text)}; }

}  // namespace

ParsedArguments parse_arguments(std::span<const char* const> arguments) {
  constexpr std::string_view kConfig = "--config";
  constexpr std::string_view kConfigIs = "--config=";
  std::optional<Mode> mode;
  std::optional<std::string> config;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == kConfig || argument.starts_with(kConfigIs)) {
      if (config) return fault("--config stands twice");
      if (argument != kConfig) {
        config = argument.substr(kConfigIs.size());
      } else if (++i < arguments.size()) {
        config = arguments[i];
      }
      if (!config || config->empty()) return fault("--config needs a file");
    } else if (const auto named = mode_named(argument)) {
      if (mode) return fault(std::string(argument) + ": one of these at a time, and once");
      mode = named;
    } else if (argument.starts_with('-')) {
      return fault("no such option: " + std::string(argument));
    } else {
      return fault("takes no argument: " + std::string(argument));
    }
  }
  Arguments parsed{mode.value_or(Mode::serve), config.value_or("")};
  const bool alone = parsed.mode == Mode::version || parsed.mode == Mode::help;
  if (!config && !alone) return fault("--config FILE is missing");
  return {std::move(parsed), {}};
}

std::string_view usage() {
  return "kms-connectord --config FILE                  serves the AWS KMS API\n"
         "kms-connectord --check-config --config FILE   tells what is wrong with FILE, if "
         "anything\n"
         "kms-connectord --print-config --config FILE   shows all options in effect, secrets "
         "masked\n"
         "kms-connectord --version\n"
         "kms-connectord --help\n"
         "\n"
         "Prints \"ready URL\" once it listens. SIGTERM and SIGINT end it after the requests under "
         "way;\n"
         "SIGHUP makes it read principals and groups of FILE again.\n"
         "Exit status: 0, 1 if it cannot serve, 2 for a fault of FILE or of the command line, 3 if "
         "it\n"
         "could not end in order, because a call into a PKCS#11 module did not return.\n";
}

}  // namespace kms
