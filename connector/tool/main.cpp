#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "config/load.h"
#include "connector/base/log.h"
#include "connector/main/hardening.h"
#include "connector/tool/doctor.h"
#include "connector/tool/explain.h"

namespace {

constexpr int kFound = 1;
constexpr int kConfigurationFault = 2;
constexpr int kDenied = 3;
constexpr std::size_t kSecretHeap = 1024 * 1024;

constexpr std::string_view kUsage =
    "kms-connector doctor --config FILE   tells what each token can serve, how, and how fast\n"
    "kms-connector explain --config FILE --principal ARN --action kms:ACTION [--key KEY]\n"
    "  [--region REGION] [--context NAME=VALUE...] [--policy FILE]   tells who may do what, and "
    "why\n"
    "kms-connector --version\n"
    "kms-connector --help\n"
    "\n"
    "doctor logs in to the tokens of FILE's Regions: with the PINs that the daemon would use,\n"
    "and none that was refused before. Stop the daemon first.\n"
    "explain reads the daemon's database, beside a running daemon, and touches no token. KEY is a\n"
    "key's id, ARN or alias; NAME a name of the encryption context or, with a colon, a condition\n"
    "key such as aws:SourceIp; --policy is tried in place of the key's policy.\n"
    "Exit status: 0; 1 if a token cannot serve keys; 3 if the request would be denied; 2 for a\n"
    "fault of FILE or of the command line.\n";

int usage_fault() {
  std::cerr << kUsage;
  return kConfigurationFault;
}

void prepare_for_secrets() {
  for (const std::string& warning : kms::harden_process(kSecretHeap)) {
    std::cerr << "kms-connector: " << warning << '\n';
  }
  kms::set_log_level(kms::LogLevel::error);
}

int doctor(const std::string& file) {
  prepare_for_secrets();
  return kms::tool::doctor(config::load(file), std::cout) ? 0 : kFound;
}

int explain(std::span<const char* const> words) {
  const auto options = kms::tool::parse_explain(words);
  if (!options) return usage_fault();
  prepare_for_secrets();
  return kms::tool::explain(config::load(options->config), *options, std::cout) ? 0 : kDenied;
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
    if (words.size() == 4 && first == "doctor" && std::string_view(words[2]) == "--config") {
      return doctor(words[3]);
    }
    if (first == "explain") return explain(words.subspan(2));
    return usage_fault();
  } catch (const config::Error& error) {
    std::cerr << error.what() << '\n';
    return kConfigurationFault;
  } catch (const kms::tool::ExplainFault& fault) {
    std::cerr << "kms-connector: " << fault.what() << '\n';
    return kConfigurationFault;
  } catch (const std::exception& error) {
    std::cerr << "kms-connector: " << error.what() << '\n';
    return kFound;
  }
}
