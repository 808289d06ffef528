#include "connector/keys/key_metadata.h"

#include <span>
#include <vector>

#include "connector/keys/imported_material.h"
#include "connector/keys/key_spec.h"
#include "connector/keys/key_state.h"

namespace kms::keys {
namespace {

template <class T>
std::optional<std::vector<T>> listed_for(const KeyRecord& key, api::KeyUsageType usage,
                                         std::span<const T> algorithms) {
  if (key.usage != usage) return std::nullopt;
  return std::vector<T>(algorithms.begin(), algorithms.end());
}

api::MultiRegionConfiguration multi_region_configuration(const KeyRecord& key) {
  const MultiRegion& regions = *key.multi_region;
  const auto arn_in = [&](const std::string& region) {
    return key_arn({key.scope.account, region}, key.id);
  };
  std::vector<api::MultiRegionKey> replicas;
  for (const std::string& region : regions.replica_regions) {
    replicas.push_back({.arn = arn_in(region), .region = region});
  }
  return {.multi_region_key_type = key.is_replica() ? api::MultiRegionKeyType::replica
                                                    : api::MultiRegionKeyType::primary,
          .primary_key = api::MultiRegionKey{.arn = arn_in(regions.primary_region),
                                             .region = regions.primary_region},
          .replica_keys = std::move(replicas)};
}

/// Of the permanent material that is usable; the earliest end counts.
void add_expiration(const KeyRecord& key, Timestamp now, api::KeyMetadata& metadata) {
  using api::ExpirationModelType;
  for (const Material& material : key.materials) {
    if (!is_usable(material, now) || !is_permanent(key, material)) continue;
    const auto& valid_to = material.imported->valid_to;
    if (valid_to && (!metadata.valid_to || *valid_to < *metadata.valid_to)) {
      metadata.valid_to = valid_to;
    }
    metadata.expiration_model = metadata.valid_to
                                    ? ExpirationModelType::key_material_expires
                                    : ExpirationModelType::key_material_does_not_expire;
  }
}

}  // namespace

api::KeyMetadata key_metadata(const KeyRecord& key, bool available, const std::string& cluster_id,
                              Timestamp now) {
  const KeySpecRow& row = key_spec(key.spec);
  const api::KeyState state = visible_state(key, available, now);
  api::KeyMetadata metadata;
  metadata.aws_account_id = key.scope.account;
  metadata.key_id = key.id;
  metadata.arn = key.arn();
  metadata.creation_date = key.created;
  metadata.enabled = state == api::KeyState::enabled;
  metadata.description = key.description;
  metadata.key_usage = key.usage;
  metadata.key_state = state;
  metadata.origin = key.origin;
  metadata.key_manager = api::KeyManagerType::customer;
  metadata.key_spec = key.spec;
  // The deprecated twin; specs that came after it was frozen are not in its enum and are left out.
  metadata.customer_master_key_spec =
      api::from_string<api::CustomerMasterKeySpec>(api::to_string(key.spec));
  metadata.encryption_algorithms =
      listed_for(key, api::KeyUsageType::encrypt_decrypt, row.encryption);
  metadata.signing_algorithms = listed_for(key, api::KeyUsageType::sign_verify, row.signing);
  metadata.mac_algorithms = listed_for(key, api::KeyUsageType::generate_verify_mac, row.mac);
  metadata.key_agreement_algorithms =
      listed_for(key, api::KeyUsageType::key_agreement, row.agreement);
  metadata.multi_region = key.multi_region.has_value();
  if (key.multi_region) metadata.multi_region_configuration = multi_region_configuration(key);
  if (key.state == StoredState::pending_deletion) metadata.deletion_date = key.deletion_date;
  if (key.state == StoredState::pending_replica_deletion) {
    metadata.pending_deletion_window_in_days = key.pending_window_days;
  }
  if (!key.custom_key_store_id.empty()) {
    metadata.custom_key_store_id = key.custom_key_store_id;
    if (!cluster_id.empty()) metadata.cloud_hsm_cluster_id = cluster_id;
  }
  if (key.origin == api::OriginType::external) add_expiration(key, now, metadata);
  const bool shows_material =
      key.spec == api::KeySpec::symmetric_default &&
      (key.origin == api::OriginType::aws_kms || key.origin == api::OriginType::external);
  if (shows_material && !key.current_material.empty())
    metadata.current_key_material_id = key.current_material;
  return metadata;
}

}  // namespace kms::keys
