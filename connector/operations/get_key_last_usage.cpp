#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GetKeyLastUsageResponse get_key_last_usage(Call& call, const api::GetKeyLastUsageRequest& in) {
  const keys::KeyRecord key = call.manage(in.key_id).record();
  // Uses are tracked from the first day of this daemon's database on.
  api::GetKeyLastUsageResponse response{
      .key_id = key.arn(), .tracking_start_date = key.created, .key_creation_date = key.created};
  if (const auto use = call.last_use(key)) {
    response.key_last_usage = api::KeyLastUsageData{
        .operation = api::from_string<api::KeyLastUsageTrackingOperation>(use->operation),
        .timestamp = use->time,
        .cloud_trail_event_id = use->event_id};
    if (!use->request_id.empty()) response.key_last_usage->kms_request_id = use->request_id;
  }
  return response;
}

}  // namespace

extern const Operation kGetKeyLastUsage;
constinit const Operation kGetKeyLastUsage = operation<get_key_last_usage>("GetKeyLastUsage");

}  // namespace kms::operations
