#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

#include "tests/bench/benches.h"

namespace {

struct Bench {
  std::string_view name;
  void (*run)(kms::bench::Report&);
};

constexpr Bench kBenches[] = {
    {"generate_data_key", kms::bench::generate_data_key},
    {"decrypt", kms::bench::decrypt},
    {"sign_ecc", kms::bench::sign_ecc},
    {"generate_mac", kms::bench::generate_mac},
    {"sign_rsa", kms::bench::sign_rsa},
    {"token_layer", kms::bench::token_layer},
    {"token_calls", kms::bench::token_calls},
    {"slow_token", kms::bench::slow_token},
    {"start", kms::bench::start_time},
    {"memory", kms::bench::memory},
    {"authorization", kms::bench::authorization},
    {"grants", kms::bench::grants},
    {"scale", kms::bench::scale},
};

}  // namespace

/// Runs the measurements named, or all; 1 if a target was missed, 2 if a measurement was not
/// possible.
int main(int argc, char** argv) {
  const std::vector<std::string_view> wanted(argv + 1, argv + argc);
  for (const std::string_view name : wanted) {
    bool known = false;
    for (const Bench& bench : kBenches) known = known || bench.name == name;
    if (known) continue;
    std::cerr << "no such measurement: " << name << "; there are:";
    for (const Bench& bench : kBenches) std::cerr << " " << bench.name;
    std::cerr << std::endl;
    return 2;
  }
  kms::bench::Report report;
  bool failed = false;
  for (const Bench& bench : kBenches) {
    bool run = wanted.empty();
    for (const std::string_view name : wanted) run = run || name == bench.name;
    if (!run) continue;
    std::cerr << bench.name << std::endl;
    try {
      bench.run(report);
    } catch (const std::exception& e) {
      std::cerr << bench.name << ": " << e.what() << std::endl;
      failed = true;
    }
  }
  if (failed) return 2;
  return report.missed() ? 1 : 0;
}
