#pragma once

#include <string>

namespace kms::keys {

/// The key policy of a key that was given none, as AWS prints it: it delegates to the identity
/// policies of the account.
[[nodiscard]] std::string default_policy(const std::string& account);

}  // namespace kms::keys
