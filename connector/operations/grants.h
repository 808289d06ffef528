#pragma once

#include <string>

#include "connector/operations/call.h"

namespace kms::operations {

/// InvalidGrantIdException unless it has the form of a grant id.
void check_grant_id(const std::string& id);
/// How a grant remembers a principal (auth::Identities); InvalidArnException unless the ARN names
/// one that exists.
std::string grant_principal(const Call& call, const std::string& arn);
/// NotFoundException if the key has no such grant.
keys::GrantPtr existing_grant(const Call& call, const keys::KeyRecord& key, const std::string& id);
/// A grant as the listings show it.
api::GrantListEntry grant_entry(const Call& call, const keys::GrantRecord& grant);

}  // namespace kms::operations
