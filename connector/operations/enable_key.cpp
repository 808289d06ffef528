#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void enable_key(Call& call, const api::EnableKeyRequest& in) {
  keys::KeyRecord key = call.manage(in.key_id).record();
  key.state = keys::StoredState::enabled;
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kEnableKey;
constinit const Operation kEnableKey = operation<enable_key>("EnableKey");

}  // namespace kms::operations
