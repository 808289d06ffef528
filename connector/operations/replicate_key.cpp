#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/operations/create_key.h"
#include "connector/operations/key_policies.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/operation.h"
#include "connector/operations/tags.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

std::string_view partition(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

void check_region(const Call& call, const keys::KeyRecord& primary, const std::string& region) {
  if (region == primary.scope.region) {
    throw api::unsupported_operation(region +
                                     " cannot have a replica because it contains the primary.");
  }
  if (partition(region) != partition(primary.scope.region)) {
    throw api::unsupported_operation(
        "The replica key Region must be in the same AWS partition as the primary key Region.");
  }
  const auto& regions = call.config().regions;
  if (std::ranges::find(regions, region, &config::Region::name) == regions.end()) {
    throw api::unsupported_operation("The Region " + region + " is not served here.");
  }
  if (call.store().key({primary.scope.account, region}, primary.id)) {
    throw Error(ErrorCode::already_exists,
                "You can create only one replica of each primary key in each AWS Region.");
  }
}

void check_quotas(const Call& call, const keys::KeyRecord& primary, const Scope& scope) {
  if (primary.multi_region->replica_regions.size() + 1 >= keys::kMaxRelatedKeys) {
    throw Error(ErrorCode::limit_exceeded, "A multi-Region key can have at most " +
                                               std::to_string(keys::kMaxRelatedKeys - 1) +
                                               " replicas.");
  }
  check_key_quota(call, scope);
}

/// A replica without the material that it shares with its primary.
keys::KeyRecord new_replica(const Call& call, const api::ReplicateKeyRequest& in,
                            const keys::KeyRecord& primary) {
  keys::KeyRecord replica;
  replica.scope = {primary.scope.account, in.replica_region};
  replica.id = primary.id;
  replica.state = primary.origin == api::OriginType::external ? keys::StoredState::pending_import
                                                              : keys::StoredState::enabled;
  replica.spec = primary.spec;
  replica.usage = primary.usage;
  replica.origin = primary.origin;
  replica.description = in.description.value_or("");
  replica.created = call.now();
  replica.multi_region = primary.multi_region;
  if (in.tags) merge_tags(replica.tags, *in.tags);
  return replica;
}

/// The event that CloudTrail shows in the replica's Region.
audit::Record create_key_event(Call& call, const api::ReplicateKeyRequest& in,
                               const keys::KeyRecord& replica, const api::KeyMetadata& metadata) {
  audit::Record event = call.record();
  event.event_id = make_uuid(call.random());
  event.event_name = "CreateKey";
  event.region = replica.scope.region;
  event.resources = {{.arn = replica.arn(), .account = replica.scope.account}};
  api::CreateKeyRequest request;
  request.policy = in.policy;
  request.bypass_policy_lockout_safety_check = in.bypass_policy_lockout_safety_check;
  request.description = replica.description;
  request.tags = in.tags;
  request.multi_region = true;
  event.request_parameters =
      create_key_parameters(request, replica.spec, replica.usage, replica.origin);
  event.response_elements = api::response_elements(api::CreateKeyResponse{metadata});
  return event;
}

api::ReplicateKeyResponse replicate_key(Call& call, const api::ReplicateKeyRequest& in) {
  const bool tagged = in.tags && !in.tags->empty();
  if (tagged) check_tags(*in.tags, call.limits().tags_per_key);
  const auto authorized = call.authorize(in.key_id, {.accepts = Accepts::key_only});
  const Call::Replica to_be{.primary = authorized.record(), .region = in.replica_region};
  call.authorize_account("CreateKey", "*", &to_be);
  if (tagged) call.authorize_tagging_on_create(&to_be);
  keys::KeyRecord primary = authorized.record();
  check_multi_region_primary(primary);
  check_region(call, primary, in.replica_region);
  call.check_state(authorized);
  keys::KeyRecord replica = new_replica(call, in, primary);
  if (in.policy) {
    replica.policy = check_policy(call, replica, *in.policy, in.bypass_policy_lockout_safety_check);
  }
  check_quotas(call, primary, replica.scope);
  call.admit_replica(replica.scope);

  primary.multi_region->replica_regions.push_back(in.replica_region);
  call.expect_rsa_generation();  // the destination's transport key, the first time
  call.key_stores().replicate(primary, replica, call.deadline());
  std::vector<storage::Change> changes;
  for (keys::KeyRecord& other : call.key_stores().following(primary, call.deadline())) {
    changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(other)});
  }

  api::KeyMetadata metadata = call.metadata(replica);
  metadata.key_state = api::KeyState::creating;
  metadata.enabled = false;
  metadata.current_key_material_id.reset();
  api::ReplicateKeyResponse response{.replica_key_metadata = metadata,
                                     .replica_policy = policy_text(call, replica),
                                     .replica_tags = tagged ? in.tags : std::nullopt};
  changes.emplace_back(
      storage::AppendAudit{audit::to_json(create_key_event(call, in, replica, metadata))});
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(replica)});
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(primary)});
  call.commit(std::move(changes), response);
  return response;
}

}  // namespace

extern const Operation kReplicateKey;
constinit const Operation kReplicateKey = operation<replicate_key>("ReplicateKey");

}  // namespace kms::operations
