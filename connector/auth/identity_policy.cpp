#include "connector/auth/identity_policy.h"

#include <algorithm>
#include <string>

namespace kms::auth {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool action_matches(std::string_view pattern, std::string_view action) noexcept {
  // Goes back to the latest "*" only: an earlier one could match nothing more, so the time is at
  // most the product of the lengths.
  std::size_t p = 0;
  std::size_t a = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_end = 0;
  while (a < action.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = a;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(action[a]))) {
      ++p;
      ++a;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      a = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

PolicyDecision evaluate(const std::vector<config::Statement>& statements, keys::Action action) {
  const std::string name = action.str();
  PolicyDecision decision = PolicyDecision::no_match;
  for (const config::Statement& statement : statements) {
    const bool matches = std::ranges::any_of(statement.actions, [&](const std::string& pattern) {
      return action_matches(pattern, name);
    });
    if (!matches) continue;
    if (!statement.allow) return PolicyDecision::explicit_deny;
    decision = PolicyDecision::allow;
  }
  return decision;
}

}  // namespace kms::auth
