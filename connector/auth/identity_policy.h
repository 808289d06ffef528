#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/keys/action.h"

namespace kms::auth {

enum class PolicyDecision : std::uint8_t { explicit_deny, allow, no_match };

/// Whether an action pattern of a policy ("kms:Describe*") covers `action` ("kms:DescribeKey"): "*"
/// is any text, "?" one character, upper and lower case are the same.
bool action_matches(std::string_view pattern, std::string_view action) noexcept;
/// What identity policies say: one Deny outweighs every Allow.
PolicyDecision evaluate(const std::vector<config::Statement>& statements, keys::Action action);

}  // namespace kms::auth
