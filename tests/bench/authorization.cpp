#include <chrono>
#include <string>
#include <vector>

#include "connector/base/encodings.h"
#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"

namespace kms::bench {
namespace {

constexpr std::size_t kConnections = 16;
constexpr int kRounds = 61;
constexpr std::chrono::milliseconds kRound{250};
constexpr double kTarget = 0.95;
constexpr int kGrants = 50000;

/// 20 statements; the one that allows admin comes last, and those before fail late where they can.
std::string policy_of_20() {
  std::string statements;
  const auto add = [&](const std::string& sid, const std::string& rest) {
    statements += R"({"Sid":")" + sid + R"(","Resource":"*",)" + rest + "},";
  };
  for (int i = 0; i < 6; ++i) {
    const std::string number = std::to_string(i);
    add("Role" + number, R"("Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey*"],)"
                         R"("Principal":{"AWS":["arn:aws:iam::123456789012:role/app",)"
                         R"("arn:aws:iam::123456789012:user/alice"]})");
    add("Team" + number, R"("Effect":"Allow","Action":"kms:*","Principal":"*",)"
                         R"("Condition":{"StringEquals":{"aws:PrincipalTag/team":"team)" +
                             number + R"(","kms:CallerAccount":"123456789012"}})");
    add("Context" + number, R"("Effect":"Deny","Action":"kms:GenerateDataKey","Principal":"*",)"
                            R"("Condition":{"StringLike":{"kms:EncryptionContext:purpose":"*-)" +
                                number + R"("},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})");
  }
  add("Read", R"("Effect":"Allow","Action":["kms:Describe*","kms:Get*","kms:List*"],)"
              R"("Principal":{"AWS":"arn:aws:iam::123456789012:root"})");
  add("Admin", R"("Effect":"Allow","Action":"kms:*",)"
               R"("Principal":{"AWS":"arn:aws:iam::123456789012:user/admin"})");
  statements.pop_back();
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}

std::string generate_data_key_body(const std::string& key) {
  return R"({"KeyId":")" + key +
         R"(","KeySpec":"AES_256","EncryptionContext":{"purpose":"bench","tenant":"blue"}})";
}

/// In short rounds, one after the other, on the same connections.
void compare(Report& report, const std::string& name, const Daemon& daemon,
             const std::string& plain, const std::string& measured) {
  Connections connections(daemon.port(), kConnections);
  connections.run(plain, 2 * kRound);
  connections.run(measured, 2 * kRound);
  std::vector<double> ratios;
  for (int i = 0; i < kRounds; ++i) {
    const double least = connections.run(plain, kRound).per_second;
    ratios.push_back(connections.run(measured, kRound).per_second / least);
  }
  report.ratio(name, median(ratios), kTarget);
}

void create_grants(Daemon& daemon, const std::string& key, const std::string& grantee, int count) {
  Connections connections(daemon.port(), kConnections);
  const std::string request = daemon.request(
      "CreateGrant", R"({"KeyId":")" + key + R"(","GranteePrincipal":"arn:aws:iam::)" + grantee +
                         R"(","Operations":["GenerateDataKey"]})");
  for (int i = 0; i < count; i += static_cast<int>(kConnections)) connections.once(request);
}

}  // namespace

void authorization(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string plain = daemon.create_key();
  const std::string guarded =
      daemon.create_key(R"({"Policy":)" + json_string(policy_of_20()) + "}");
  compare(report, "authorization", daemon,
          daemon.request("GenerateDataKey", generate_data_key_body(plain)),
          daemon.request("GenerateDataKey", generate_data_key_body(guarded)));
  daemon.stop();
}

void grants(Report& report) {
  Daemon daemon({});
  daemon.start();
  const std::string alice = "123456789012:user/alice";
  const std::string one = daemon.create_key();
  const std::string others = daemon.create_key();
  const std::string own = daemon.create_key();
  create_grants(daemon, one, alice, 1);
  create_grants(daemon, others, "111122223333:user/bob", kGrants - static_cast<int>(kConnections));
  create_grants(daemon, others, alice, 1);
  create_grants(daemon, own, alice, kGrants);
  const auto request = [&](const std::string& key) {
    return daemon.request("GenerateDataKey", generate_data_key_body(key), test::alice());
  };
  compare(report, "grants", daemon, request(one), request(others));
  compare(report, "grants_of_one_grantee", daemon, request(one), request(own));
  daemon.stop();
}

}  // namespace kms::bench
