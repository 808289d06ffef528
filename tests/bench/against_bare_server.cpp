#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"
#include "tests/bench/open_token.h"
#include "tests/bench/raw_token.h"

namespace kms::bench {
namespace {

constexpr std::size_t kConnections = 16;
constexpr int kRounds = 41;
constexpr std::chrono::milliseconds kRound{250};
constexpr double kTarget = 0.5;
/// 32 bytes.
constexpr const char* kDigest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

std::uint16_t port_of(const test::Process& bare) {
  const auto line = bare.wait_for_line(
      [](std::string_view text) { return text.starts_with("ready "); }, std::chrono::seconds(20));
  if (!line) throw std::runtime_error("no bare server: " + bare.error_output());
  return static_cast<std::uint16_t>(std::stoul(line->substr(6)));
}

/// How often 16 threads together get the raw token to do its part of a request, a second.
double raw_rate(void (RawToken::*calls)(std::size_t thread)) {
  const OpenToken open(1);
  RawToken raw(test::SoftHsm::module_path(), "bench", kConnections);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    rates.push_back(rate(kConnections, kRound, [&](std::size_t thread) { (raw.*calls)(thread); }));
  }
  return median(rates);
}

/// Short rounds, one server after the other, so that what else the machine does meets both alike.
/// `calls` are those that the request costs the token: by them is told what the bare server would
/// reach if it made them too.
void compare(Report& report, const std::string& name, Daemon& daemon, const std::string& request,
             void (RawToken::*calls)(std::size_t thread)) {
  const test::Process bare({.arguments = {KMS_BINARY_DIR "/tests/kms-bench-bare-server"}});
  Connections to_bare(port_of(bare), kConnections);
  Connections to_daemon(daemon.port(), kConnections);
  to_bare.run(request, 2 * kRound);
  to_daemon.run(request, 2 * kRound);
  std::vector<double> ratios;
  std::vector<double> ours;
  std::vector<double> theirs;
  double our_cpu = 0;
  double their_cpu = 0;
  for (int i = 0; i < kRounds; ++i) {
    const double bare_before = cpu_seconds(bare.pid());
    const double daemon_before = daemon.cpu_seconds();
    theirs.push_back(to_bare.run(request, kRound).per_second);
    ours.push_back(to_daemon.run(request, kRound).per_second);
    their_cpu += (cpu_seconds(bare.pid()) - bare_before) / theirs.back();
    our_cpu += (daemon.cpu_seconds() - daemon_before) / ours.back();
    ratios.push_back(ours.back() / theirs.back());
  }
  report.value(name + "_per_second", median(ours), "1/s");
  report.value(name + "_bare_server_per_second", median(theirs), "1/s");
  // Processor time of a request: what is left of a throughput when others have the machine too.
  const double microseconds = 1e6 / kRounds / std::chrono::duration<double>(kRound).count();
  report.value(name + "_cpu", our_cpu * microseconds, "us");
  report.value(name + "_bare_server_cpu", their_cpu * microseconds, "us");
  report.ratio(name, median(ratios), kTarget);
  report.value(name + "_at_most", 1 / (1 + median(theirs) / raw_rate(calls)), "of the bare server");
}

}  // namespace

void generate_data_key(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string key = daemon.create_key();
  compare(report, "generate_data_key", daemon,
          daemon.request("GenerateDataKey", R"({"KeyId":")" + key + R"(","KeySpec":"AES_256"})"),
          &RawToken::generate_data_key);
  daemon.stop();
}

void decrypt(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string key = daemon.create_key();
  const std::string data_key =
      daemon.call("GenerateDataKey", R"({"KeyId":")" + key + R"(","KeySpec":"AES_256"})");
  compare(report, "decrypt", daemon,
          daemon.request("Decrypt",
                         R"({"CiphertextBlob":")" + member(data_key, "CiphertextBlob") + R"("})"),
          &RawToken::decrypt);
  daemon.stop();
}

void sign_ecc(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string key =
      daemon.create_key(R"({"KeySpec":"ECC_NIST_P256","KeyUsage":"SIGN_VERIFY"})");
  compare(report, "sign_ecc", daemon,
          daemon.request("Sign", R"({"KeyId":")" + key + R"(","MessageType":"DIGEST","Message":")" +
                                     kDigest + R"(","SigningAlgorithm":"ECDSA_SHA_256"})"),
          &RawToken::sign_ecc);
  daemon.stop();
}

void generate_mac(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string key =
      daemon.create_key(R"({"KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"})");
  compare(report, "generate_mac", daemon,
          daemon.request("GenerateMac", R"({"KeyId":")" + key + R"(","Message":")" + kDigest +
                                            R"(","MacAlgorithm":"HMAC_SHA_256"})"),
          &RawToken::generate_mac);
  daemon.stop();
}

}  // namespace kms::bench
