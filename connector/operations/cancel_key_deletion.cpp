#include "connector/keys/imported_material.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::CancelKeyDeletionResponse cancel_key_deletion(Call& call,
                                                   const api::CancelKeyDeletionRequest& in) {
  keys::KeyRecord key = call.manage(in.key_id).record();
  const bool waits_for_import =
      key.origin == api::OriginType::external && !keys::has_all_material(key);
  key.state = waits_for_import ? keys::StoredState::pending_import : keys::StoredState::disabled;
  key.deletion_date.reset();
  key.pending_window_days.reset();
  api::CancelKeyDeletionResponse response{.key_id = key.arn()};
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}}, response);
  return response;
}

}  // namespace

extern const Operation kCancelKeyDeletion;
constinit const Operation kCancelKeyDeletion = operation<cancel_key_deletion>("CancelKeyDeletion");

}  // namespace kms::operations
