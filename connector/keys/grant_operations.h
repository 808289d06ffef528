#pragma once

#include <vector>

#include "connector/api/shapes.h"
#include "connector/keys/records.h"

namespace kms::keys {

/// What a grant on the key can allow (Developer Guide, "Grant operations").
std::vector<api::GrantOperation> grant_operations(const KeyRecord& key);

}  // namespace kms::keys
