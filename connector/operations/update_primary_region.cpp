#include <algorithm>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

/// CloudTrail shows the request in the other Region too.
audit::Record event_at_new_primary(Call& call, const keys::KeyRecord& key) {
  audit::Record event = call.record();
  event.event_id = make_uuid(call.random());
  event.region = key.scope.region;
  event.resources = {{.arn = key.arn(), .account = key.scope.account}};
  return event;
}

void update_primary_region(Call& call, const api::UpdatePrimaryRegionRequest& in) {
  const auto authorized = call.authorize(in.key_id, {.accepts = Accepts::key_only});
  keys::KeyRecord key = authorized.record();
  check_multi_region_primary(key);
  if (in.primary_region == key.scope.region) {
    throw api::unsupported_operation(in.primary_region +
                                     " cannot become the primary Region because it contains the "
                                     "primary.");
  }
  call.check_state(authorized);
  auto& replicas = key.multi_region->replica_regions;
  const auto place = std::ranges::find(replicas, in.primary_region);
  const Scope there{key.scope.account, in.primary_region};
  const keys::KeyPtr stored = place == replicas.end() ? nullptr : call.visible_key(there, key.id);
  if (!stored) throw api::not_found("Key '" + key_arn(there, key.id) + "' does not exist");
  // Permission and state count on both keys.
  call.check_state(call.authorize_also(stored));
  call.admit(there, call.operation());

  *place = std::exchange(key.multi_region->primary_region, in.primary_region);
  std::vector<storage::Change> changes;
  for (keys::KeyRecord& relative : call.key_stores().following(key, call.deadline())) {
    changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(relative)});
  }
  changes.emplace_back(storage::AppendAudit{audit::to_json(event_at_new_primary(call, *stored))});
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(key)});
  call.commit(std::move(changes));
}

}  // namespace

extern const Operation kUpdatePrimaryRegion;
constinit const Operation kUpdatePrimaryRegion =
    operation<update_primary_region>("UpdatePrimaryRegion");

}  // namespace kms::operations
