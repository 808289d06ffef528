#include "connector/operations/custom_key_stores.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::DeleteCustomKeyStoreResponse delete_custom_key_store(
    Call& call, const api::DeleteCustomKeyStoreRequest& in) {
  call.authorize_account();
  api::DeleteCustomKeyStoreResponse response;
  const keys::KeyStoreRecord record =
      call.key_stores().prepare_delete(call.scope(), in.custom_key_store_id);
  note_key_store(call, record);
  call.commit({storage::Erase<keys::KeyStoreRecord>{record}}, response);
  return response;
}

}  // namespace

extern const Operation kDeleteCustomKeyStore;
constinit const Operation kDeleteCustomKeyStore =
    operation<delete_custom_key_store>("DeleteCustomKeyStore");

}  // namespace kms::operations
