#pragma once

#include <string_view>

#include "connector/auth/decision.h"
#include "connector/auth/policy_cache.h"
#include "connector/keys/authorized_key.h"
#include "connector/storage/metadata_store.h"

namespace kms::auth {

/// Decides who may do what, and the only maker of AuthorizedKey. Refusals are AccessDeniedException
/// in AWS's words; what decided is told in either case. Thread-safe.
class Authorizer {
 public:
  explicit Authorizer(const storage::MetadataStore& store) : store_(store) {}

  [[nodiscard]] keys::AuthorizedKey authorize(const Caller& caller, keys::Action action,
                                              keys::KeyPtr key, const RequestContext& context,
                                              Decision& decision) const;
  /// RetireGrant: what the grant itself says counts too.
  [[nodiscard]] keys::AuthorizedKey authorize_retirement(const Caller& caller, keys::KeyPtr key,
                                                         const keys::GrantPtr& grant,
                                                         const RequestContext& context,
                                                         Decision& decision) const;
  /// For operations without a key, and for aliases. `resource`: an ARN, or "*".
  void authorize_account(const Caller& caller, keys::Action action, std::string_view resource,
                         const RequestContext& context, Decision& decision) const;
  /// Whether the caller could change the key's policy again once it is `policy`.
  [[nodiscard]] static bool keeps_control(const Caller& caller, const keys::KeyRecord& key,
                                          const Policy& policy, const RequestContext& context);
  [[nodiscard]] PolicyCache::PolicyPtr policy_of(const keys::KeyRecord& key) const {
    return policies_.of(key);
  }

  /// The refusal for a key of another account that is absent or forbidden: the two look the same.
  [[noreturn]] static void deny_foreign(const Caller& caller, keys::Action action);
  /// The same for a ciphertext's key, where the request named none.
  [[noreturn]] static void deny_ciphertext(const Caller& caller, keys::Action action);
  /// The door for jobs, which have no caller.
  [[nodiscard]] static keys::AuthorizedKey for_service(keys::KeyPtr key, keys::Action action);

 private:
  const storage::MetadataStore& store_;
  mutable PolicyCache policies_;
};

/// The grants of the key that may be meant for the caller: its own, its role's and its account's.
std::vector<keys::GrantPtr> grants_for(const storage::MetadataStore& store,
                                       const keys::KeyRecord& key, const Caller& caller);

/// Those of the key; nullopt if it has more than `limit`: conditions on them then fail closed.
std::optional<std::vector<std::string>> alias_names(const storage::MetadataStore& store,
                                                    const keys::KeyRecord& key, std::size_t limit);

/// "because no identity-based policy allows the kms:Encrypt action".
std::string explain(Reason reason, keys::Action action);

}  // namespace kms::auth
