#include <chrono>

#include "connector/api/error.h"
#include "connector/keys/key_state.h"
#include "connector/operations/imports.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/operation.h"
#include "connector/operations/rotation.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::chrono::minutes kTooClose{20};

// The state comes before the spec, and both before what is left to rotate.
void check(const Call& call, const keys::KeyRecord& key) {
  check_rotates(key);
  if (key.origin != api::OriginType::aws_kms && key.origin != api::OriginType::external) {
    keys::refuse_origin(key);
  }
  check_primary(key);
  if (key.origin == api::OriginType::external && !pending_is_everywhere(call.context(), key)) {
    throw api::invalid_state(
        "No available key material pending rotation for the key: " + key.arn() + ".");
  }
  if (key.on_demand_rotations >= call.limits().on_demand_rotations_per_key) {
    throw Error(ErrorCode::limit_exceeded,
                "The on-demand rotations limit has been reached for the given keyId. No more "
                "on-demand rotations can be performed for this key: " +
                    key.arn());
  }
  if (key.rotation && key.rotation->next <= call.now() + kTooClose) {
    throw Error(ErrorCode::conflict,
                "An automatic rotation of this key is currently in progress or scheduled to begin "
                "within the next 20 minutes.");
  }
}

api::RotateKeyOnDemandResponse rotate_key_on_demand(Call& call,
                                                    const api::RotateKeyOnDemandRequest& in) {
  const keys::KeyRecord key = call.manage(in.key_id).record();
  check(call, key);
  api::RotateKeyOnDemandResponse response{.key_id = key.arn()};
  call.commit(rotate(call.context(), key, api::RotationType::on_demand, call.deadline()), response);
  return response;
}

}  // namespace

extern const Operation kRotateKeyOnDemand;
constinit const Operation kRotateKeyOnDemand = operation<rotate_key_on_demand>("RotateKeyOnDemand");

}  // namespace kms::operations
