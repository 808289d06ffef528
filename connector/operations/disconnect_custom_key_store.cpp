#include "connector/operations/custom_key_stores.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::DisconnectCustomKeyStoreResponse disconnect_custom_key_store(
    Call& call, const api::DisconnectCustomKeyStoreRequest& in) {
  call.authorize_account();
  const std::string& id = in.custom_key_store_id;
  api::DisconnectCustomKeyStoreResponse response;
  const keys::KeyStoreRecord record = call.key_stores().prepare_disconnect(call.scope(), id);
  note_key_store(call, record);
  call.commit({storage::Put<keys::KeyStoreRecord>{record}}, response);
  call.key_stores().disconnect(call.scope(), id);
  return response;
}

}  // namespace

extern const Operation kDisconnectCustomKeyStore;
constinit const Operation kDisconnectCustomKeyStore =
    operation<disconnect_custom_key_store>("DisconnectCustomKeyStore");

}  // namespace kms::operations
