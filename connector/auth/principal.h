#pragma once

#include <string>
#include <string_view>

namespace kms::auth {

/// Whether the text is the ARN of an account root, user, role, role session or federated user.
bool is_principal_arn(std::string_view partition, std::string_view arn);
/// Of the name of a role session or federated user: [\w+=,.@-]
bool is_session_name_character(char32_t c);
/// "R" of "arn:aws:sts::ACCOUNT:assumed-role/R/S"; empty for all else.
std::string role_name_of_session(std::string_view arn);

/// Whether the text is the form in which keys and grants remember a user or role, "AIDA..." or
/// "AROA...", or a session of a role, "AROA...:SESSION".
bool is_unique_id(std::string_view text);

}  // namespace kms::auth
