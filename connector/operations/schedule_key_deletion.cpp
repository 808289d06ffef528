#include <chrono>

#include "connector/api/error.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr std::int32_t kMinDays = 7;
constexpr std::int32_t kMaxDays = 30;

api::ScheduleKeyDeletionResponse schedule_key_deletion(Call& call,
                                                       const api::ScheduleKeyDeletionRequest& in) {
  const std::int32_t days = in.pending_window_in_days.value_or(kMaxDays);
  if (days < kMinDays || days > kMaxDays) {
    throw api::validation_error("PendingWindowInDays must be between 7 and 30");
  }
  keys::KeyRecord key = call.manage(in.key_id).record();
  // The waiting period of a primary begins when its last replica is gone.
  const bool waits =
      key.multi_region && !key.is_replica() && !key.multi_region->replica_regions.empty();
  if (waits) {
    key.state = keys::StoredState::pending_replica_deletion;
    key.pending_window_days = days;
  } else {
    key.state = keys::StoredState::pending_deletion;
    key.deletion_date = call.now() + std::chrono::days{days};
  }
  api::ScheduleKeyDeletionResponse response{
      .key_id = key.arn(),
      .deletion_date = key.deletion_date,
      .key_state =
          waits ? api::KeyState::pending_replica_deletion : api::KeyState::pending_deletion,
      .pending_window_in_days = days};
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}}, response);
  return response;
}

}  // namespace

extern const Operation kScheduleKeyDeletion;
constinit const Operation kScheduleKeyDeletion =
    operation<schedule_key_deletion>("ScheduleKeyDeletion");

}  // namespace kms::operations
