#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

constexpr int kThreads = 16;

std::string on(const std::string& key, const std::string& more = "") {
  return "{\"KeyId\":\"" + key + "\"" + more + "}";
}

/// How often each outcome came of calls by so many threads at once, each of which makes so many.
std::map<std::string, int> outcomes(int threads, int calls,
                                    const std::function<Answer(int thread, int call)>& call) {
  std::vector<std::vector<std::string>> of_threads(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      for (int n = 0; n < calls; ++n) {
        of_threads[static_cast<std::size_t>(thread)].push_back(call(thread, n).outcome());
      }
    });
  }
  for (std::thread& one : running) one.join();
  std::map<std::string, int> counted;
  for (const auto& of_thread : of_threads) {
    for (const std::string& outcome : of_thread) ++counted[outcome];
  }
  return counted;
}

using Outcomes = std::map<std::string, int>;

class Concurrency : public ServiceTest {};

TEST_F(Concurrency, EveryWriterOfAKeyIsServed) {
  const std::string id = kms().create_key();
  EXPECT_EQ(outcomes(kThreads, 20,
                     [&](int thread, int n) {
                       return kms().call(
                           "TagResource",
                           on(id, R"(,"Tags":[{"TagKey":"k)" + std::to_string(thread) +
                                      R"(","TagValue":")" + std::to_string(n) + "\"}]"));
                     }),
            (Outcomes{{"200", kThreads * 20}}));
  const Answer tags = kms().ok("ListResourceTags", on(id));
  ASSERT_EQ(tags.json["Tags"].Size(), static_cast<unsigned>(kThreads));
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_EQ(tags.at("Tags." + std::to_string(i) + ".TagValue"), "19");
  }
  EXPECT_EQ(outcomes(kThreads, 20,
                     [&](int thread, int) {
                       return kms().call(thread % 2 == 0 ? "EnableKey" : "DisableKey", on(id));
                     }),
            (Outcomes{{"200", kThreads * 20}}));
}

TEST_F(Concurrency, EveryRotationOfAKeyIsMade) {
  const std::string id = kms().create_key();
  EXPECT_EQ(
      outcomes(kThreads, 1, [&](int, int) { return kms().call("RotateKeyOnDemand", on(id)); }),
      (Outcomes{{"200", kThreads}}));
  const Answer rotations = kms().ok("ListKeyRotations", on(id));
  EXPECT_EQ(rotations.json["Rotations"].Size(), static_cast<unsigned>(kThreads));
}

}  // namespace
}  // namespace kms::test
