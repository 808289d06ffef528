#include "connector/keystores/store_error.h"

namespace kms::keystores {

using api::Error;
using api::ErrorCode;

namespace {

Error refused(ErrorCode code, const char* because) {
  return {code, std::string("The request was rejected because ") + because};
}

}  // namespace

Error cluster_in_use() {
  return refused(
      ErrorCode::cloud_hsm_cluster_in_use,
      "the specified CloudHSM cluster is already associated with a custom key store in the "
      "account, or it shares a backup history with a custom key store in the account. Each custom "
      "key store in the account must be associated with a different CloudHSM cluster.");
}

Error cluster_invalid_configuration() {
  return refused(ErrorCode::cloud_hsm_cluster_invalid_configuration,
                 "the associated CloudHSM cluster did not meet the configuration requirements for "
                 "a custom key store.");
}

Error cluster_not_active() {
  return refused(ErrorCode::cloud_hsm_cluster_not_active,
                 "the CloudHSM cluster associated with the custom key store is not active. "
                 "Initialize and activate the cluster and try the command again.");
}

Error cluster_not_found() {
  return refused(ErrorCode::cloud_hsm_cluster_not_found,
                 "KMS cannot find the CloudHSM cluster with the specified cluster ID. Retry the "
                 "request with a different cluster ID.");
}

Error cluster_not_related() {
  return refused(ErrorCode::cloud_hsm_cluster_not_related,
                 "the specified CloudHSM cluster has a different cluster certificate than the "
                 "original cluster. You cannot use the operation to specify an unrelated cluster.");
}

Error incorrect_trust_anchor() {
  return refused(ErrorCode::incorrect_trust_anchor,
                 "the trust anchor certificate in the request to create a custom key store is not "
                 "the trust anchor certificate for the specified CloudHSM cluster.");
}

Error store_has_keys() {
  return refused(ErrorCode::custom_key_store_has_cmks,
                 "the custom key store contains KMS keys. After verifying that you do not need to "
                 "use the KMS keys, use the ScheduleKeyDeletion operation to delete the KMS keys. "
                 "After they are deleted, you can delete the custom key store.");
}

Error store_invalid_state() {
  return refused(ErrorCode::custom_key_store_invalid_state,
                 "of the ConnectionState of the custom key store. To get the ConnectionState of a "
                 "custom key store, use the DescribeCustomKeyStores operation.");
}

Error store_name_in_use() {
  return refused(
      ErrorCode::custom_key_store_name_in_use,
      "the specified custom key store name is already assigned to another custom key store in the "
      "account. Try again with a custom key store name that is unique in the account.");
}

Error store_not_found() {
  return refused(ErrorCode::custom_key_store_not_found,
                 "KMS cannot find a custom key store with the specified key store name or ID.");
}

Error too_many_stores() {
  return refused(ErrorCode::limit_exceeded, "a length constraint or quota was exceeded.");
}

Error key_unavailable(const std::string& key_arn) {
  return api::invalid_state(key_arn + " is unavailable.");
}

}  // namespace kms::keystores
