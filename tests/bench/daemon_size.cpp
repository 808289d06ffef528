#include <string>
#include <vector>

#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"

namespace kms::bench {
namespace {

constexpr int kKeys = 1000;
constexpr int kStarts = 5;
constexpr double kMostMilliseconds = 1000;
constexpr std::size_t kConnections = 256;
constexpr double kMostMebibytes = 100;

}  // namespace

void start_time(Report& report) {
  Daemon daemon({});
  daemon.start();
  {
    Connections connections(daemon.port(), 4);
    const std::string request = daemon.request("CreateKey", "{}");
    for (int i = 0; i < kKeys; i += 4) connections.once(request);
  }
  daemon.stop();
  std::vector<double> milliseconds;
  for (int i = 0; i < kStarts; ++i) {
    milliseconds.push_back(daemon.start().count() * 1000);
    daemon.stop();
  }
  report.value_below("start_with_1000_keys", median(milliseconds), "ms", kMostMilliseconds);
}

void memory(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string key = daemon.create_key();
  const std::string request =
      daemon.request("GenerateDataKey", R"({"KeyId":")" + key + R"(","KeySpec":"AES_256"})");
  report.value("memory_at_start", daemon.resident_mebibytes(), "MiB");
  Connections connections(daemon.port(), kConnections);
  connections.run(request, std::chrono::seconds(5));
  report.value_below("memory_at_256_connections", daemon.resident_mebibytes(), "MiB",
                     kMostMebibytes);
  daemon.stop();
}

}  // namespace kms::bench
