#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"
#include "tests/support/softhsm.h"

namespace kms::bench {
namespace {

/// A daemon on the fault-injecting module in front of SoftHSM, steered by its command file.
class ProxiedDaemon final {
 public:
  explicit ProxiedDaemon(std::size_t sessions)
      : daemon({.module = test::SoftHsm::proxy_path(),
                .sessions = sessions,
                .environment = {{"KMS_PROXY_CONTROL", commands_file().string()},
                                {"KMS_PROXY_TARGET", test::SoftHsm::module_path()}}}) {
    daemon.start();
  }

  /// Gives the commands, waits until they are in force, and tells the counters at that moment.
  std::map<std::string, double> command(const std::string& commands) {
    const std::filesystem::path out = dir_.path() / ("counters-" + std::to_string(++sequence_));
    dir_.write("commands.new", commands + "counters " + out.string() + "\n");
    std::filesystem::rename(dir_.path() / "commands.new", commands_file());
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!std::filesystem::exists(out)) {
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error("the proxy does not obey");
      std::this_thread::yield();
    }
    std::map<std::string, double> counters;
    std::istringstream lines(test::read_file(out));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      words >> name >> counters[name];
    }
    return counters;
  }

 private:
  [[nodiscard]] std::filesystem::path commands_file() const { return dir_.path() / "commands"; }

  test::TempDir dir_{"kms-bench-proxy"};
  int sequence_ = 0;

 public:
  Daemon daemon;
};

struct Operation {
  std::string name;  // in the lines printed
  std::string request;
};

std::vector<Operation> operations(Daemon& daemon) {
  const std::string generate = R"({"KeyId":")" + daemon.create_key() + R"(","KeySpec":"AES_256"})";
  const std::string blob = member(daemon.call("GenerateDataKey", generate), "CiphertextBlob");
  return {{"generate_data_key", daemon.request("GenerateDataKey", generate)},
          {"decrypt", daemon.request("Decrypt", R"({"CiphertextBlob":")" + blob + R"("})")}};
}

}  // namespace

void token_calls(Report& report) {
  ProxiedDaemon proxied(0);
  constexpr int kCalls = 200;
  for (const Operation& operation : operations(proxied.daemon)) {
    Connections connection(proxied.daemon.port(), 1);
    connection.once(operation.request);
    proxied.command("zero_counters\n");
    for (int i = 0; i < kCalls; ++i) connection.once(operation.request);
    const auto counters = proxied.command("");
    double all = 0;
    for (const auto& [name, calls] : counters) {
      // The health check looks at the token now and then; that is no part of a request.
      if (!name.starts_with("C_") || name == "C_GetTokenInfo") continue;
      all += calls;
      report.value(operation.name + "_" + name, calls / kCalls, "calls");
    }
    const bool decrypts = operation.name == "decrypt";
    report.value_below(operation.name + "_token_calls", all / kCalls, "calls",
                       decrypts ? 2.1 : 3.1);
  }
  proxied.daemon.stop();
}

void slow_token(Report& report) {
  constexpr std::size_t kSessions = 64;
  // A request that the load generator has not sent yet, or whose answer it has not read yet, has no
  // session: with no more connections than sessions, some of these would always have nothing to do.
  constexpr std::size_t kConnections = kSessions + kSessions / 8;
  constexpr std::chrono::milliseconds kRound{2000};
  constexpr int kRounds = 5;
  ProxiedDaemon proxied(kSessions);
  const std::vector<Operation> all = operations(proxied.daemon);
  proxied.command("latency all 2000\n");
  for (const Operation& operation : all) {
    Connections one(proxied.daemon.port(), 1);
    Connections as_many(proxied.daemon.port(), kSessions);
    Connections many(proxied.daemon.port(), kConnections);
    one.run(operation.request, kRound / 4);
    many.run(operation.request, kRound / 4);
    std::vector<double> throughput;
    std::vector<double> of_as_many;
    std::vector<double> tail;
    std::vector<double> allowed;
    for (int i = 0; i < kRounds; ++i) {
      const Load unloaded = one.run(operation.request, kRound);
      const Load loaded = many.run(operation.request, kRound);
      allowed.push_back(static_cast<double>(kSessions) / unloaded.median_seconds);
      throughput.push_back(loaded.per_second / allowed.back());
      tail.push_back(loaded.p99_seconds / unloaded.median_seconds);
      of_as_many.push_back(as_many.run(operation.request, kRound).per_second / allowed.back());
    }
    const std::string name = operation.name + "_slow_token";
    report.value(name + "_allowed", median(allowed), "1/s");
    report.ratio(name, median(throughput), 0.9);
    report.ratio_below(name + "_p99", median(tail), 2);
    report.value(name + "_" + std::to_string(kSessions) + "_connections", median(of_as_many),
                 "of what is allowed");
  }
  proxied.daemon.stop();
}

}  // namespace kms::bench
