#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>

#include "tests/connector/auth/random_world.h"

namespace kms::auth {
namespace {

using test::Ask;
using test::Random;
using test::World;

// Sanitizers and builds that are not optimised cost tenfold and look for other faults.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KMS_FEWER_CASES
#endif
#endif
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KMS_FEWER_CASES
#endif
#ifdef KMS_FEWER_CASES
constexpr std::size_t kStandardCases = 50'000;
#else
constexpr std::size_t kStandardCases = 1'000'000;
#endif

constexpr std::size_t kAsksPerWorld = 40;

/// KMS_RANDOM_CASES asks for another number.
std::size_t cases() {
  const char* const wanted = std::getenv("KMS_RANDOM_CASES");
  return wanted == nullptr ? kStandardCases : std::stoul(wanted);
}

naive::Answer answer_of(const Decision& decision) {
  if (decision.allowed) return naive::Answer::allowed;
  switch (decision.reason) {
    case Reason::deny_in_key_policy:
    case Reason::deny_in_identity_policy:
    case Reason::deny_in_boundary:
    case Reason::deny_in_session_policy:
      return naive::Answer::explicitly_denied;
    case Reason::key_policy:
    case Reason::identity_policy:
    case Reason::grant:
    case Reason::retirement:
    case Reason::no_key_policy:
    case Reason::no_identity_policy:
    case Reason::no_boundary:
    case Reason::no_session_policy:
    case Reason::not_across_accounts:
      break;
  }
  return naive::Answer::not_allowed;
}

constexpr std::array<const char*, 3> kAnswers{"allowed", "explicitly denied", "not allowed"};

const char* name(naive::Answer answer) { return kAnswers.at(static_cast<std::size_t>(answer)); }

TEST(RandomRequests, AreDecidedAsASecondEvaluatorDecidesThem) {
  std::array<std::size_t, 3> seen{};
  std::size_t granted = 0;
  for (std::size_t seed = 0; seed < cases() / kAsksPerWorld; ++seed) {
    Random random(seed);
    const World world = test::random_world(random);
    for (std::size_t i = 0; i < kAsksPerWorld; ++i) {
      const Ask ask(random, world, random.pick(world.people));
      const Decision decision = ask.decide();
      const naive::Answer product = answer_of(decision);
      const naive::Answer second = ask.naive_answer();
      ASSERT_EQ(product, second) << "seed " << seed << ", product: " << name(product)
                                 << ", second evaluator: " << name(second) << "\n"
                                 << ask.as_json();
      ++seen.at(static_cast<std::size_t>(second));
      granted += decision.allowed && decision.reason == Reason::grant ? 1 : 0;
    }
  }
  // None of the answers is rare.
  const std::size_t twentieth = cases() / 20;
  for (const std::size_t times : seen) EXPECT_GT(times, twentieth);
  EXPECT_GT(granted, twentieth / 10);
}

Statement everything_denied(PolicyKind kind) {
  constexpr const char* kKey =
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}})";
  constexpr const char* kOwn = R"({"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";
  return parse_policy(kind == PolicyKind::key ? kKey : kOwn, kind).statements[0];
}

/// The caller with other policies of its own; `change` takes one policy at a time.
template <class Change>
Caller changed(const Caller& caller, const Change& change) {
  Caller other = caller;
  auto principal = std::make_shared<Principal>(*caller.principal);
  for (NamedPolicy& one : principal->policies) change(one.policy);
  if (principal->boundary) change(principal->boundary->policy);
  other.principal = principal;
  if (caller.session) {
    auto session = std::make_shared<Session>(*caller.session);
    for (NamedPolicy& one : session->policies) change(one.policy);
    other.session = session;
  }
  return other;
}

TEST(RandomPolicies, DenyWhateverElseTheySayOnceADenyApplies) {
  for (std::size_t seed = 0; seed < cases() / 200; ++seed) {
    Random random(seed);
    const World world = test::random_world(random);
    const auto& person = random.pick(world.people);
    const Ask ask(random, world, person);
    Policy key_policy = world.key_policy.policy.policy;
    key_policy.statements.push_back(everything_denied(PolicyKind::key));
    ASSERT_FALSE(ask.decide(key_policy, person.caller).allowed) << ask.as_json();
    bool any = false;
    const Caller denied = changed(person.caller, [&](Policy& policy) {
      if (any) return;
      policy.statements.insert(policy.statements.begin(), everything_denied(PolicyKind::identity));
      any = true;
    });
    if (any) {
      ASSERT_FALSE(ask.decide(world.key_policy.policy.policy, denied).allowed) << ask.as_json();
    }
  }
}

TEST(RandomPolicies, NeverAllowMoreForOneAllowLess) {
  const auto without_an_allow = [](Random& random, Policy& policy) {
    const std::size_t at = random.below(policy.statements.size());
    if (!policy.statements[at].allow) return;
    policy.statements.erase(policy.statements.begin() + static_cast<std::ptrdiff_t>(at));
  };
  for (std::size_t seed = 0; seed < cases() / 200; ++seed) {
    Random random(seed);
    const World world = test::random_world(random);
    const auto& person = random.pick(world.people);
    const Ask ask(random, world, person);
    if (ask.decide().allowed) continue;
    Policy key_policy = world.key_policy.policy.policy;
    without_an_allow(random, key_policy);
    const Caller caller =
        changed(person.caller, [&](Policy& policy) { without_an_allow(random, policy); });
    ASSERT_FALSE(ask.decide(key_policy, caller).allowed) << ask.as_json();
  }
}

TEST(RandomPolicies, NeverAllowMoreForOneDenyMore) {
  for (std::size_t seed = 0; seed < cases() / 200; ++seed) {
    Random random(seed);
    const World world = test::random_world(random);
    const auto& person = random.pick(world.people);
    const Ask ask(random, world, person);
    if (ask.decide().allowed) continue;
    const auto with_a_deny = [&](Policy& policy, PolicyKind kind) {
      Statement more = test::random_policy(random, kind).policy.policy.statements[0];
      more.allow = false;
      policy.statements.insert(policy.statements.begin(), more);
    };
    Policy key_policy = world.key_policy.policy.policy;
    with_a_deny(key_policy, PolicyKind::key);
    const Caller caller =
        changed(person.caller, [&](Policy& policy) { with_a_deny(policy, PolicyKind::identity); });
    ASSERT_FALSE(ask.decide(key_policy, caller).allowed) << ask.as_json();
  }
}

}  // namespace
}  // namespace kms::auth
