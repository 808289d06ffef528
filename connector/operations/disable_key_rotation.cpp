#include <utility>
#include <vector>

#include "connector/keys/key_state.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/operation.h"
#include "connector/operations/rotation.h"

namespace kms::operations {
namespace {

// AWS takes it for keys that never rotate, too.
void disable_key_rotation(Call& call, const api::DisableKeyRotationRequest& in) {
  const auto authorized = call.authorize(in.key_id, {.accepts = Accepts::key_only});
  keys::KeyRecord key = authorized.record();
  if (key.origin != api::OriginType::aws_kms) keys::refuse_origin(key);
  call.check_state(authorized);
  if (rotates(key)) check_primary(key);
  key.rotation.reset();
  std::vector<storage::Change> changes;
  synchronize_replicas(call.context(), key, changes, call.deadline());
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(key)});
  call.commit(std::move(changes));
}

}  // namespace

extern const Operation kDisableKeyRotation;
constinit const Operation kDisableKeyRotation =
    operation<disable_key_rotation>("DisableKeyRotation");

}  // namespace kms::operations
