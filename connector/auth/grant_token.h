#pragma once

#include <string>
#include <string_view>

#include "connector/base/random.h"
#include "connector/storage/metadata_store.h"

namespace kms::auth {

/// A new token of a grant: base64 of version, scope, key id, grant id and a nonce, and HMAC-SHA-256
/// of these under the grant's own key. It says which grant; only who the grant is for can use it.
std::string make_grant_token(const keys::GrantRecord& grant, Random& random);

/// The grant that made the token; null for any other text, and once the grant is gone.
keys::GrantPtr find_grant(const storage::MetadataStore& store, std::string_view token);

}  // namespace kms::auth
