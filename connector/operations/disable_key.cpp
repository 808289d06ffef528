#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void disable_key(Call& call, const api::DisableKeyRequest& in) {
  keys::KeyRecord key = call.manage(in.key_id).record();
  key.state = keys::StoredState::disabled;
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kDisableKey;
constinit const Operation kDisableKey = operation<disable_key>("DisableKey");

}  // namespace kms::operations
