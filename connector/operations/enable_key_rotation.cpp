#include <chrono>
#include <utility>
#include <vector>

#include "connector/keys/key_state.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/operation.h"
#include "connector/operations/rotation.h"

namespace kms::operations {
namespace {

constexpr std::int32_t kStandardPeriod = 365;

// The origin comes before the state, the spec after it.
void enable_key_rotation(Call& call, const api::EnableKeyRotationRequest& in) {
  const auto authorized = call.authorize(in.key_id, {.accepts = Accepts::key_only});
  keys::KeyRecord key = authorized.record();
  if (key.origin != api::OriginType::aws_kms) keys::refuse_origin(key);
  call.check_state(authorized);
  check_rotates(key);
  check_primary(key);
  const std::int32_t days = in.rotation_period_in_days.value_or(kStandardPeriod);
  key.rotation = {.period_days = days, .next = call.now() + std::chrono::days(days)};
  std::vector<storage::Change> changes;
  synchronize_replicas(call.context(), key, changes, call.deadline());
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(key)});
  call.commit(std::move(changes));
}

}  // namespace

extern const Operation kEnableKeyRotation;
constinit const Operation kEnableKeyRotation = operation<enable_key_rotation>("EnableKeyRotation");

}  // namespace kms::operations
