#include "connector/keystores/store_rules.h"

#include <algorithm>

#include "connector/base/log.h"
#include "connector/keystores/clusters.h"
#include "connector/keystores/store_error.h"
#include "pkcs11/error.h"

namespace kms::keystores {

const config::Cluster& StoreRules::cluster(const Scope& scope,
                                           const std::string& cluster_id) const {
  const config::Cluster* found = find_cluster(config_, scope, cluster_id);
  if (found == nullptr) throw cluster_not_found();
  return *found;
}

void StoreRules::check_quota(const Scope& scope) const {
  if (store_.key_stores(&scope).size() >= config_.limits.key_stores_per_account)
    throw too_many_stores();
}

void StoreRules::check_name(const Scope& scope, const std::string& name,
                            const std::string& except) const {
  for (const keys::KeyStorePtr& other : store_.key_stores(&scope)) {
    if (other->id != except && other->name == name) throw store_name_in_use();
  }
}

bool StoreRules::cluster_taken(const Scope& scope, const config::Cluster& cluster,
                               const std::string& except) const {
  return std::ranges::any_of(store_.key_stores(nullptr), [&](const keys::KeyStorePtr& other) {
    if (other->scope.account != scope.account || other->id == except) return false;
    if (other->scope == scope && other->cluster_id == cluster.id) return true;
    const config::Cluster* theirs = find_cluster(config_, other->scope, other->cluster_id);
    return theirs != nullptr && share_history(*theirs, cluster);
  });
}

bool StoreRules::token_of_a_store(const Scope& scope, const config::Cluster& cluster,
                                  const std::string& except, Deadline deadline) const {
  return std::ranges::any_of(store_.key_stores(nullptr), [&](const keys::KeyStorePtr& other) {
    if (other->scope == scope && other->id == except) return false;
    const config::Cluster* theirs = find_cluster(config_, other->scope, other->cluster_id);
    return theirs != nullptr && same_token(modules_, theirs->token, cluster.token, deadline);
  });
}

bool StoreRules::token_of_a_region(const config::Cluster& cluster, Deadline deadline) const {
  return std::ranges::any_of(config_.regions, [&](const config::Region& region) {
    return same_token(modules_, region.token, cluster.token, deadline);
  });
}

pkcs11::TokenInfo StoreRules::active_token(const config::Cluster& cluster,
                                           Deadline deadline) const {
  std::vector<pkcs11::TokenInfo> present;
  try {
    present = present_tokens(modules_, cluster.token, true, deadline);
  } catch (const pkcs11::Error& error) {
    log(LogLevel::warning, "keystores", cluster.id + ": " + error.what());
    if (error.failure() == pkcs11::Failure::module_not_loadable)
      throw cluster_invalid_configuration();
    throw cluster_not_active();
  }
  if (present.size() < config_.minimum_hsms) throw cluster_not_active();
  if (present.size() > 1) {
    // ConnectCustomKeyStore could not choose.
    log(LogLevel::warning, "keystores",
        cluster.id + ": several tokens match " + cluster.token.selector.describe());
    throw cluster_invalid_configuration();
  }
  return present.front();
}

}  // namespace kms::keystores
