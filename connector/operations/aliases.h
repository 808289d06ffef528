#pragma once

#include <string>

#include "connector/keys/authorized_key.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// ValidationException or NotAuthorizedException for names that no customer's alias may have; the
/// model has checked length and characters.
void check_alias_name(const std::string& name);

/// Refuses what an alias cannot point to, whoever asks: aliases, keys of other accounts and
/// Regions.
void check_alias_target(const Call& call, const std::string& reference);

/// LimitExceededException if the key has as many aliases as it may have.
void check_alias_limit(const Call& call, const keys::KeyRecord& key);

/// The caller's alias of this name, or NotFoundException.
keys::AliasRecord existing_alias(const Call& call, const std::string& name);

}  // namespace kms::operations
