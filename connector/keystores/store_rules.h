#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "connector/keystores/key_stores.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/module.h"

// What CreateCustomKeyStore and UpdateCustomKeyStore check, apart from the password.
namespace kms::keystores {

class StoreRules {
 public:
  StoreRules(const config::Config& config, pkcs11::Modules& modules,
             const storage::MetadataStore& store)
      : config_(config), modules_(modules), store_(store) {}

  /// The cluster, or CloudHsmClusterNotFoundException.
  [[nodiscard]] const config::Cluster& cluster(const Scope& scope,
                                               const std::string& cluster_id) const;
  /// LimitExceededException.
  void check_quota(const Scope& scope) const;
  /// CustomKeyStoreNameInUseException; `except` is the store that may have the name.
  void check_name(const Scope& scope, const std::string& name, const std::string& except) const;
  /// Whether another store of the account has this cluster or one that shares its backup history.
  [[nodiscard]] bool cluster_taken(const Scope& scope, const config::Cluster& cluster,
                                   const std::string& except) const;
  /// Whether another store, or a Region, works with this very token. Looks at the tokens.
  [[nodiscard]] bool token_of_a_store(const Scope& scope, const config::Cluster& cluster,
                                      const std::string& except, Deadline deadline) const;
  [[nodiscard]] bool token_of_a_region(const config::Cluster& cluster, Deadline deadline) const;
  /// The token of the cluster, if it is there and the only one; CloudHsmClusterNotActiveException,
  /// CloudHsmClusterInvalidConfigurationException. Looks at the tokens.
  [[nodiscard]] pkcs11::TokenInfo active_token(const config::Cluster& cluster,
                                               Deadline deadline) const;

 private:
  const config::Config& config_;
  pkcs11::Modules& modules_;
  const storage::MetadataStore& store_;
};

}  // namespace kms::keystores
