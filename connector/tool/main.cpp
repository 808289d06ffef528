#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "config/load.h"
#include "connector/base/log.h"
#include "connector/main/hardening.h"
#include "connector/tool/doctor.h"

namespace {

constexpr int kFound = 1;
constexpr int kConfigurationFault = 2;
constexpr std::size_t kSecretHeap = 1024 * 1024;

constexpr std::string_view kUsage =
    "kms-connector doctor --config FILE   tells what each token can serve, how, and how fast\n"
    "kms-connector --version\n"
    "kms-connector --help\n"
    "\n"
    "The doctor logs in to the tokens of FILE's Regions: with the PINs that the daemon would use,\n"
    "and none that was refused before. Stop the daemon first.\n"
    "Exit status: 0, 1 if a token cannot serve keys, 2 for a fault of FILE or of the command "
    "line.\n";

int usage_fault() {
  std::cerr << kUsage;
  return kConfigurationFault;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    const std::string_view first = words.size() > 1 ? words[1] : "";
    if (words.size() == 2 && first == "--help") {
      std::cout << kUsage;
      return 0;
    }
    if (words.size() == 2 && first == "--version") {
      std::cout << "kms-connector " KMS_VERSION "\n";
      return 0;
    }
    if (words.size() != 4 || first != "doctor" || std::string_view(words[2]) != "--config") {
      return usage_fault();
    }
    for (const std::string& warning : kms::harden_process(kSecretHeap)) {
      std::cerr << "kms-connector: " << warning << '\n';
    }
    const config::Config config = config::load(words[3]);
    kms::set_log_level(kms::LogLevel::error);
    return kms::tool::doctor(config, std::cout) ? 0 : kFound;
  } catch (const config::Error& error) {
    std::cerr << error.what() << '\n';
    return kConfigurationFault;
  } catch (const std::exception& error) {
    std::cerr << "kms-connector: " << error.what() << '\n';
    return kFound;
  }
}
