#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"

namespace kms::bench {
namespace {

constexpr int kRounds = 9;
constexpr std::chrono::milliseconds kRound{250};
constexpr double kTarget = 0.8;
constexpr double kMostMilliseconds = 3000;
constexpr std::size_t kConnections = 16;

struct Size {
  std::size_t keys;
  std::size_t aliases;
  std::size_t grants;  // on one key
};
constexpr Size kSmall{.keys = 10, .aliases = 10, .grants = 10};
constexpr Size kLarge{.keys = 10000, .aliases = 10000, .grants = 50000};

/// A daemon with so much in it, and the requests that are compared.
class Filled final {
 public:
  explicit Filled(const Size& size) {
    daemon_.start();
    key_ = daemon_.create_key();
    repeat("CreateKey", "{}", size.keys);
    repeat("CreateGrant",
           R"({"KeyId":")" + key_ +
               R"(","GranteePrincipal":"arn:aws:iam::123456789012:user/alice",)" +
               R"("Operations":["Decrypt"]})",
           size.grants);
    std::string holder = key_;
    for (std::size_t i = 0; i < size.aliases; ++i) {
      if (i % kAliasesPerKey == 0) holder = daemon_.create_key();
      daemon_.call("CreateAlias", R"({"AliasName":"alias/bench-)" + std::to_string(i) +
                                      R"(","TargetKeyId":")" + holder + R"("})");
    }
  }

  [[nodiscard]] double milliseconds_to_start() {
    daemon_.stop();
    return daemon_.start().count() * 1000;
  }
  [[nodiscard]] std::map<std::string, std::string> requests() {
    const std::string key = R"({"KeyId":")" + key_ + R"(")";
    return {{"describe_key", daemon_.request("DescribeKey", key + "}")},
            {"list_keys", daemon_.request("ListKeys", R"({"Limit":10})")},
            {"list_grants", daemon_.request("ListGrants", key + R"(,"Limit":10})")},
            {"encrypt", daemon_.request("Encrypt", key + R"(,"Plaintext":"c2VjcmV0"})")}};
  }
  Daemon& daemon() { return daemon_; }

 private:
  static constexpr std::size_t kAliasesPerKey = 50;

  void repeat(std::string_view operation, std::string_view body, std::size_t times) {
    Connections connections(daemon_.port(), kConnections);
    const std::string request = daemon_.request(operation, body);
    for (std::size_t i = 0; i < times; i += kConnections) connections.once(request);
  }

  Daemon daemon_{{}};
  std::string key_;
};

}  // namespace

void scale(Report& report) {
  Filled small(kSmall);
  Filled large(kLarge);
  report.value_below("start_with_all", large.milliseconds_to_start(), "ms", kMostMilliseconds);
  const auto large_requests = large.requests();
  for (const auto& [name, request] : small.requests()) {
    Connections to_small(small.daemon().port(), kConnections);
    Connections to_large(large.daemon().port(), kConnections);
    std::vector<double> ratios;
    for (int i = 0; i < kRounds; ++i) {
      const double few = to_small.run(request, kRound).per_second;
      ratios.push_back(to_large.run(large_requests.at(name), kRound).per_second / few);
    }
    report.ratio("scale_" + name, median(ratios), kTarget);
  }
  large.daemon().stop();
  small.daemon().stop();
}

}  // namespace kms::bench
