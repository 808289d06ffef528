#include "connector/operations/custom_key_stores.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::ConnectCustomKeyStoreResponse connect_custom_key_store(
    Call& call, const api::ConnectCustomKeyStoreRequest& in) {
  call.authorize_account();
  const std::string& id = in.custom_key_store_id;
  api::ConnectCustomKeyStoreResponse response;
  const auto record = call.key_stores().prepare_connect(call.scope(), id);
  if (!record) {
    if (const auto as_it_is = call.store().key_store(call.scope(), id)) {
      note_key_store(call, *as_it_is);
    }
    return response;
  }
  note_key_store(call, *record);
  call.commit({storage::Put<keys::KeyStoreRecord>{*record}}, response);
  call.key_stores().connect(call.scope(), id);
  return response;
}

}  // namespace

extern const Operation kConnectCustomKeyStore;
constinit const Operation kConnectCustomKeyStore =
    operation<connect_custom_key_store>("ConnectCustomKeyStore");

}  // namespace kms::operations
