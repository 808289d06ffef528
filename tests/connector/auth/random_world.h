#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/api/shapes.h"
#include "connector/auth/decision.h"
#include "tests/connector/auth/naive_evaluator.h"

// Keys, callers, policies, grants and requests at random, from alphabets so small that things meet.
namespace kms::auth::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class Range>
  const auto& pick(const Range& range) {
    return range[below(std::size(range))];
  }

 private:
  std::mt19937_64 engine_;
};

/// A policy as text, for the product, and for the naive evaluator.
struct BothPolicies {
  std::string text;
  NamedPolicy policy;
  std::shared_ptr<const rapidjson::Document> json;
};
BothPolicies random_policy(Random& random, PolicyKind kind);

struct Person {
  Caller caller;
  naive::Caller naive_caller;
  std::vector<BothPolicies> policies;
  std::vector<BothPolicies> boundary;  // one or none
  std::vector<BothPolicies> session;
};

/// A key with its policy and grants, and some who may want to use it.
struct World {
  keys::KeyRecord key;
  BothPolicies key_policy;
  std::vector<Person> people;
  std::vector<keys::GrantPtr> grants;
  std::vector<naive::Grant> naive_grants;
};
World random_world(Random& random);

/// One request; refers to the world and the person.
class Ask {
 public:
  Ask(Random& random, const World& world, const Person& person);
  Ask(const Ask&) = delete;
  Ask& operator=(const Ask&) = delete;

  /// The product's answer; with other policies than the world's if given.
  [[nodiscard]] Decision decide() const {
    return decide(world_.key_policy.policy.policy, person_.caller);
  }
  [[nodiscard]] Decision decide(const Policy& key_policy, const Caller& caller) const;
  [[nodiscard]] naive::Answer naive_answer() const;
  /// All that an answer depends on.
  [[nodiscard]] std::string as_json() const;
  [[nodiscard]] std::string operation() const { return std::string(operation_); }

 private:
  [[nodiscard]] naive::Context naive_context(bool for_key_policy) const;

  const World& world_;
  const Person& person_;
  std::string_view operation_;
  keys::EncryptionContext encryption_context_;
  api::CreateGrantRequest create_grant_;
  naive::Grant new_grant_;
  std::vector<std::string> aliases_;
  std::vector<std::pair<std::string, std::string>> given_;
  std::string source_ip_;
  RequestContext context_;
};

}  // namespace kms::auth::test
