#pragma once

#include <vector>

#include "connector/operations/call.h"

namespace kms::operations {

/// UnsupportedOperationException for a replica: what its primary decides.
void check_primary(const keys::KeyRecord& key);
/// The same for a key that is no multi-Region key, too.
void check_multi_region_primary(const keys::KeyRecord& key);

/// Adds the replicas of a primary as they become with it, and a SynchronizeMultiRegionKey event
/// each; nothing for other keys. To be committed with the primary.
void synchronize_replicas(const Context& context, const keys::KeyRecord& primary,
                          std::vector<storage::Change>& changes, pkcs11::Deadline deadline);

/// Adds the relatives of a replica as they become when it is gone: without the last one, a primary
/// in PendingReplicaDeletion begins its own waiting period. To be committed with the deletion.
void forget_replica(const Context& context, const keys::KeyRecord& replica,
                    std::vector<storage::Change>& changes, pkcs11::Deadline deadline);

}  // namespace kms::operations
