#include "connector/auth/policy_cache.h"

#include <utility>

#include "connector/keys/default_policy.h"

namespace kms::auth {

PolicyCache::PolicyPtr PolicyCache::of(const keys::KeyRecord& key) {
  constexpr std::size_t kMost = 20000;
  // All keys of an account without a policy of their own have the same one.
  const std::string name = key.policy.empty() ? key.scope.account : key.arn();
  {
    const storage::ReadLock lock(mutex_);
    const auto found = entries_.find(name);
    if (found != entries_.end() && found->second.text == key.policy) return found->second.policy;
  }
  const std::string text =
      key.policy.empty() ? keys::default_policy(key.scope.account) : key.policy;
  auto policy = std::make_shared<const Policy>(parse_policy(text, PolicyKind::key));
  const storage::WriteLock lock(mutex_);
  // Deleted keys stay until then.
  if (entries_.size() >= kMost) entries_.clear();
  entries_.insert_or_assign(name, Entry{.text = key.policy, .policy = policy});
  return policy;
}

}  // namespace kms::auth
