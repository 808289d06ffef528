#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void update_key_description(Call& call, const api::UpdateKeyDescriptionRequest& in) {
  keys::KeyRecord key = call.manage(in.key_id).record();
  key.description = in.description;
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kUpdateKeyDescription;
constinit const Operation kUpdateKeyDescription =
    operation<update_key_description>("UpdateKeyDescription");

}  // namespace kms::operations
