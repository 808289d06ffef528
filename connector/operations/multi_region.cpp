#include "connector/operations/multi_region.h"

#include <chrono>
#include <string>
#include <utility>

#include "connector/api/error.h"
#include "connector/operations/service_event.h"

namespace kms::operations {

void check_primary(const keys::KeyRecord& key) {
  if (key.is_replica()) {
    throw api::unsupported_operation(key.arn() + " is not a multi-region primary key.");
  }
}

void check_multi_region_primary(const keys::KeyRecord& key) {
  if (!key.multi_region) {
    throw api::unsupported_operation(key.arn() + " is not a multi-region key.");
  }
  check_primary(key);
}

void synchronize_replicas(const Context& context, const keys::KeyRecord& primary,
                          std::vector<storage::Change>& changes, pkcs11::Deadline deadline) {
  if (!primary.multi_region || primary.is_replica()) return;
  for (keys::KeyRecord& replica : context.key_stores.following(primary, deadline)) {
    changes.emplace_back(storage::AppendAudit{
        audit::to_json(service_event(context, "SynchronizeMultiRegionKey", replica))});
    changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(replica)});
  }
}

void forget_replica(const Context& context, const keys::KeyRecord& replica,
                    std::vector<storage::Change>& changes, pkcs11::Deadline deadline) {
  if (!replica.is_replica()) return;
  const keys::KeyPtr stored =
      context.store.key({replica.scope.account, replica.multi_region->primary_region}, replica.id);
  if (!stored) return;
  keys::KeyRecord primary = *stored;
  auto& replicas = primary.multi_region->replica_regions;
  std::erase(replicas, replica.scope.region);
  if (replicas.empty() && primary.state == keys::StoredState::pending_replica_deletion) {
    primary.state = keys::StoredState::pending_deletion;
    primary.deletion_date =
        context.clock.now() + std::chrono::days{primary.pending_window_days.value()};
    primary.pending_window_days.reset();
  }
  for (keys::KeyRecord& other : context.key_stores.following(primary, deadline)) {
    changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(other)});
  }
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(primary)});
}

}  // namespace kms::operations
