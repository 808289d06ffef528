#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "connector/base/random.h"
#include "pkcs11/mutex.h"
#include "tests/acceptance/workload.h"
#include "tests/support/daemon_process.h"

// kill -9 at random moments while several clients change and use keys, judged by the clients' own
// log. KMS_KILL_ROUNDS: how often (6); KMS_KILL_SEED: repeats a run as far as threads allow.

namespace kms::test {
namespace {

constexpr std::size_t kClients = 4;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class KillNine : public testing::Test {
 protected:
  KillNine() : daemon_(KMS_CONNECTORD) {
    std::cout << "KMS_KILL_SEED=" << seed_ << std::endl;
    daemon_.start();
    const std::string store = daemon_.connected_store("store");
    for (std::size_t i = 0; i < kClients; ++i) {
      clients_.push_back(
          std::make_unique<Workload>("client" + std::to_string(i), random_(), store, i == 0));
    }
  }

  /// All clients work; the daemon is killed after a random time.
  void work_and_kill() {
    std::vector<std::thread> threads;
    for (const auto& client : clients_) {
      threads.emplace_back([&client, port = daemon_.port()] { client->run(port); });
    }
    // Not a wait for anything: the moment of the kill is what is random here.
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random_() % 500));
    daemon_.kill();
    for (std::thread& thread : threads) thread.join();
  }

  void judge() {
    await_reconciliation();
    for (const auto& client : clients_) {
      for (const std::string& difference : client->judge(daemon_.port())) {
        ADD_FAILURE() << difference;
      }
    }
    judge_keys();
  }

  /// Every key was asked for by a client, and not more keys than that.
  void judge_keys() {
    ApiClient client(daemon_.port());
    std::set<std::string> listed;
    std::string marker;
    do {
      const Reply reply = client.ok(
          "ListKeys", marker.empty() ? "{}" : "{\"Marker\":" + json_literal(marker) + "}");
      const rapidjson::Document json = reply.json();
      for (const rapidjson::Value& key : json["Keys"].GetArray()) {
        listed.insert(key["KeyArn"].GetString());
      }
      marker = reply.at("/NextMarker");
    } while (!marker.empty());
    for (const std::string& arn : listed) {
      const auto knows = [&](const auto& one) { return one->knows_key(arn); };
      if (std::ranges::any_of(clients_, knows) || unanswered_.contains(arn)) continue;
      const std::string description =
          client.ok("DescribeKey", "{\"KeyId\":" + json_literal(arn) + "}")
              .at("/KeyMetadata/Description");
      const auto asked = [&](const auto& one) { return one->asked_for(description); };
      EXPECT_TRUE(std::ranges::any_of(clients_, asked)) << arn << " " << description;
      unanswered_.insert(arn);
    }
  }

  /// What reconciliation says: nothing but keys that were never made to the end, and that nobody
  /// was told of.
  void await_reconciliation() {
    const auto done = daemon_.process().wait_for_error_line(
        [](std::string_view line) {
          return line.find("tokens and records agree") != line.npos ||
                 line.find("tokens and records differ") != line.npos;
        },
        std::chrono::seconds(30));
    ASSERT_TRUE(done) << daemon_.process().error_output();
    std::istringstream lines(daemon_.process().error_output());
    for (std::string line; std::getline(lines, line);) {
      const std::size_t at = line.find(" reconcile: ");
      if (at == std::string::npos || line.find("tokens and records") != std::string::npos) continue;
      const std::size_t begin = line.find(" key arn:");
      const std::size_t end = line.find(" was never created to the end and is removed");
      if (begin == std::string::npos || end == std::string::npos) {
        ADD_FAILURE() << line;
        continue;
      }
      ++undone_;
      const std::string arn = line.substr(begin + 5, end - begin - 5);
      for (const auto& client : clients_) EXPECT_FALSE(client->knows_key(arn)) << line;
    }
  }

  /// Each acknowledged request has its record, and no request has two.
  void judge_audit() const {
    std::map<std::string, int> records;
    std::ifstream file(daemon_.audit_file());
    for (std::string line; std::getline(file, line);) {
      rapidjson::Document json;
      json.Parse(line.data(), line.size());
      ASSERT_FALSE(json.HasParseError()) << line;
      if (json.HasMember("requestID")) ++records[json["requestID"].GetString()];
    }
    for (const auto& [id, count] : records) EXPECT_EQ(count, 1) << id;
    for (const auto& client : clients_) {
      for (const auto& [id, operation] : client->acknowledged()) {
        EXPECT_TRUE(records.contains(id)) << operation << " " << id;
      }
    }
  }

  const std::uint64_t seed_ = number_from_environment("KMS_KILL_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  DaemonProcess daemon_;
  std::vector<std::unique_ptr<Workload>> clients_;
  std::set<std::string> unanswered_;
  std::size_t undone_ = 0;
};

TEST_F(KillNine, LosesNothingThatWasAcknowledged) {
  const std::uint64_t rounds = number_from_environment("KMS_KILL_ROUNDS", 6);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    work_and_kill();
    daemon_.start();
    judge();
  }
  daemon_.stop();
  judge_audit();
  std::size_t requests = 0;
  std::size_t changes = 0;
  std::size_t keys = 0;
  for (const auto& client : clients_) {
    requests += client->acknowledged().size();
    changes += client->changes();
    keys += client->key_count();
  }
  std::cout << rounds << " kills: " << requests << " requests acknowledged, " << changes
            << " of them changes; " << keys << " keys, " << unanswered_.size()
            << " more whose creation was not answered, " << undone_ << " undone by reconcile"
            << std::endl;
  EXPECT_GT(changes, rounds);
}

}  // namespace
}  // namespace kms::test
