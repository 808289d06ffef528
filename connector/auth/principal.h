#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "connector/auth/caller.h"

namespace kms::auth {

/// Whether the text is the ARN of an account root, user, role, role session or federated user.
bool is_principal_arn(const config::Config& config, std::string_view arn);
/// Whether there is such a principal: of an account that is served, users and roles (also those of
/// sessions) by the configuration.
bool is_known_principal(const config::Config& config, std::string_view arn);

enum class PrincipalMatch : std::uint8_t {
  none,
  caller,   // the caller itself, or the role of its session
  account,  // the caller's account root: its principals, if their identity policies allow it too
};
/// How the principal that a grant names covers a caller.
PrincipalMatch match_principal(std::string_view principal, const Caller& caller);

}  // namespace kms::auth
