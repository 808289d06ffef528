#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connector/auth/caller.h"

namespace kms::auth {

/// Whether the text is the ARN of an account root, user, role, role session or federated user.
bool is_principal_arn(std::string_view partition, std::string_view arn);
/// "R" of "arn:aws:sts::ACCOUNT:assumed-role/R/S"; empty for all else.
std::string role_name_of_session(std::string_view arn);

enum class PrincipalMatch : std::uint8_t {
  none,
  caller,   // the caller itself, or the role of its session
  account,  // the caller's account root: its principals, if their identity policies allow it too
};
/// How the principal that a grant names covers a caller.
PrincipalMatch match_principal(std::string_view principal, const Caller& caller);

}  // namespace kms::auth
