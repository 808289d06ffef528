#pragma once

#include <optional>
#include <string>

#include "connector/operations/call.h"

namespace kms::operations {

/// The only policy a key has.
inline constexpr std::string_view kPolicyName = "default";

/// A key policy that was sent, as the key keeps it: as KMS prints it, with the unique ids of users
/// and roles. LimitExceededException if it is too long, MalformedPolicyDocumentException or
/// InvalidArnException if it is none, and unless `bypass`, if the caller could not change it again.
/// `key` is the key as it will be.
std::string check_policy(const Call& call, const keys::KeyRecord& key, const std::string& policy,
                         const std::optional<bool>& bypass);

/// The key's policy as GetKeyPolicy shows it: with ARNs, but for users and roles that are gone.
std::string policy_text(const Call& call, const keys::KeyRecord& key);

}  // namespace kms::operations
