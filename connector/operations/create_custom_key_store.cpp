#include <string>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void check_members(const api::CreateCustomKeyStoreRequest& in) {
  using Type = api::CustomKeyStoreType;
  if (in.custom_key_store_type.value_or(Type::aws_cloudhsm) == Type::external_key_store) {
    throw api::unsupported_operation("External key stores are not supported yet.");
  }
  if (in.xks_proxy_uri_endpoint || in.xks_proxy_uri_path ||
      in.xks_proxy_vpc_endpoint_service_name || in.xks_proxy_vpc_endpoint_service_owner ||
      in.xks_proxy_authentication_credential || in.xks_proxy_connectivity) {
    throw api::validation_error(
        "The parameters of an external key store proxy are valid only with CustomKeyStoreType "
        "EXTERNAL_KEY_STORE.");
  }
  if (!in.cloud_hsm_cluster_id || !in.trust_anchor_certificate || !in.key_store_password) {
    throw api::validation_error(
        "CustomKeyStoreType AWS_CLOUDHSM requires CloudHsmClusterId, TrustAnchorCertificate and "
        "KeyStorePassword.");
  }
}

api::CreateCustomKeyStoreResponse create_custom_key_store(
    Call& call, const api::CreateCustomKeyStoreRequest& in) {
  check_members(in);
  call.authorize_account();
  const std::string id = call.key_stores().create(
      call.scope(),
      {.name = in.custom_key_store_name,
       .cluster_id = *in.cloud_hsm_cluster_id,
       .trust_anchor = *in.trust_anchor_certificate,
       .password = in.key_store_password->clone()},
      call.deadline(), [&](std::vector<storage::Change> changes, const keys::KeyStoreRecord& made) {
        call.commit(std::move(changes),
                    api::CreateCustomKeyStoreResponse{.custom_key_store_id = made.id});
      });
  api::CreateCustomKeyStoreResponse response{.custom_key_store_id = id};
  call.record().response_elements = api::response_elements(response);
  return response;
}

}  // namespace

extern const Operation kCreateCustomKeyStore;
constinit const Operation kCreateCustomKeyStore =
    operation<create_custom_key_store>("CreateCustomKeyStore");

}  // namespace kms::operations
