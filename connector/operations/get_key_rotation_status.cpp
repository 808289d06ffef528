#include "connector/keys/key_state.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GetKeyRotationStatusResponse get_key_rotation_status(
    Call& call, const api::GetKeyRotationStatusRequest& in) {
  const keys::KeyRecord key = call.manage(in.key_id).record();
  if (!key.custom_key_store_id.empty()) keys::refuse_origin(key);
  // While the key waits for its deletion, its rotation rests and reads as off.
  const bool leaving = key.state == keys::StoredState::pending_deletion ||
                       key.state == keys::StoredState::pending_replica_deletion;
  api::GetKeyRotationStatusResponse response{.key_rotation_enabled = key.rotation && !leaving,
                                             .key_id = key.id};
  if (key.rotation && !leaving) {
    response.rotation_period_in_days = key.rotation->period_days;
    response.next_rotation_date = key.rotation->next;
  }
  return response;
}

}  // namespace

extern const Operation kGetKeyRotationStatus;
constinit const Operation kGetKeyRotationStatus =
    operation<get_key_rotation_status>("GetKeyRotationStatus");

}  // namespace kms::operations
