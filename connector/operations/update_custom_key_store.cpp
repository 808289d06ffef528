#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/operations/custom_key_stores.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void check_members(const api::UpdateCustomKeyStoreRequest& in) {
  if (in.xks_proxy_uri_endpoint || in.xks_proxy_uri_path ||
      in.xks_proxy_vpc_endpoint_service_name || in.xks_proxy_vpc_endpoint_service_owner ||
      in.xks_proxy_authentication_credential || in.xks_proxy_connectivity) {
    throw api::validation_error(
        "The parameters of an external key store proxy are valid only for a custom key store of "
        "type EXTERNAL_KEY_STORE.");
  }
}

api::UpdateCustomKeyStoreResponse update_custom_key_store(
    Call& call, const api::UpdateCustomKeyStoreRequest& in) {
  check_members(in);
  call.authorize_account();
  api::UpdateCustomKeyStoreResponse response;
  keystores::KeyStores::StoreUpdate update{.name = in.new_custom_key_store_name,
                                           .cluster_id = in.cloud_hsm_cluster_id};
  if (in.key_store_password) update.password = in.key_store_password->clone();
  call.key_stores().update(
      call.scope(), in.custom_key_store_id, std::move(update), call.deadline(),
      [&](std::vector<storage::Change> changes, const keys::KeyStoreRecord& updated) {
        note_key_store(call, updated);
        call.commit(std::move(changes), response);
      });
  return response;
}

}  // namespace

extern const Operation kUpdateCustomKeyStore;
constinit const Operation kUpdateCustomKeyStore =
    operation<update_custom_key_store>("UpdateCustomKeyStore");

}  // namespace kms::operations
