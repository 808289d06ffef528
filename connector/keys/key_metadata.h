#pragma once

#include <string>

#include "connector/api/shapes.h"
#include "connector/base/clock.h"
#include "connector/keys/records.h"

namespace kms::keys {

/// KeyMetadata as DescribeKey and CreateKey show it. `cluster_id` is that of the key's custom key
/// store, empty for the Region's own token.
api::KeyMetadata key_metadata(const KeyRecord& key, bool available, const std::string& cluster_id,
                              Timestamp now);

}  // namespace kms::keys
