#include "connector/storage/image.h"

namespace kms::storage {
namespace {

/// One more or less; a count of nothing is not kept.
template <class Key>
void count(std::map<Key, std::size_t>& counts, const Key& key, bool more) {
  const auto it = counts.try_emplace(key, 0).first;
  it->second = more ? it->second + 1 : it->second - 1;
  if (it->second == 0) counts.erase(it);
}

template <class Key>
std::size_t counted(const std::map<Key, std::size_t>& counts, const Key& key) {
  const auto it = counts.find(key);
  return it == counts.end() ? 0 : it->second;
}

}  // namespace

std::size_t Image::key_count(const Scope& scope) const { return counted(key_counts_, scope); }

std::size_t Image::key_count_of_store(const Scope& scope, std::string_view id) const {
  return counted(key_counts_of_stores_, std::pair{scope, std::string(id)});
}

Page<keys::AliasPtr> Image::aliases_of_key(const Scope& scope, std::string_view key_id,
                                           std::string_view after, std::size_t limit) const {
  Page<keys::AliasPtr> page;
  auto it = aliases_by_target_.upper_bound(Target{scope.account, scope.region, key_id, after});
  for (; it != aliases_by_target_.end() && (*it)->scope == scope && (*it)->target_key_id == key_id;
       ++it) {
    page.more = page.items.size() == limit;
    if (page.more) break;
    page.items.push_back(*it);
  }
  return page;
}

std::size_t Image::grant_count(const Scope& scope, std::string_view key_id) const {
  return counted(grant_counts_, std::pair{scope, std::string(key_id)});
}

std::vector<keys::GrantPtr> Image::grants_to(const Scope& scope, std::string_view key_id,
                                             std::string_view grantee) const {
  std::vector<keys::GrantPtr> grants;
  walk_grants_to(scope, key_id, grantee, [&](const keys::GrantPtr& grant) {
    grants.push_back(grant);
    return false;
  });
  return grants;
}

keys::GrantPtr Image::find_grant_to(
    const Scope& scope, std::string_view key_id, std::string_view grantee,
    const std::function<bool(const keys::GrantRecord&)>& predicate) const {
  keys::GrantPtr found;
  walk_grants_to(scope, key_id, grantee, [&](const keys::GrantPtr& grant) {
    if (predicate(*grant)) found = grant;
    return found != nullptr;
  });
  return found;
}

template <class Visit>
void Image::walk_grants_to(const Scope& scope, std::string_view key_id, std::string_view grantee,
                           const Visit& visit) const {
  auto it =
      grants_by_grantee_.lower_bound(Granted{scope.account, scope.region, key_id, grantee, {}, {}});
  for (; it != grants_by_grantee_.end() && (*it)->scope == scope && (*it)->key_id == key_id &&
         (*it)->grantee_principal == grantee;
       ++it) {
    if (visit(*it)) return;
  }
}

std::vector<keys::GrantPtr> Image::grants_named(const Scope& scope, std::string_view key_id,
                                                std::string_view grantee,
                                                std::string_view name) const {
  std::vector<keys::GrantPtr> grants;
  auto it = grants_by_grantee_.lower_bound(
      Granted{scope.account, scope.region, key_id, grantee, name, {}});
  for (; it != grants_by_grantee_.end() && (*it)->scope == scope && (*it)->key_id == key_id &&
         (*it)->grantee_principal == grantee && (*it)->name == name;
       ++it) {
    grants.push_back(*it);
  }
  return grants;
}

Page<keys::GrantPtr> Image::grants_retirable_by(const Scope& scope, std::string_view principal,
                                                std::string_view after, std::size_t limit) const {
  Page<keys::GrantPtr> page;
  auto it = grants_by_retiring_principal_.lower_bound(
      Retirable{scope.account, scope.region, principal, after, {}});
  for (; it != grants_by_retiring_principal_.end() && (*it)->scope == scope &&
         (*it)->retiring_principal == principal;
       ++it) {
    if ((*it)->id == after) continue;
    page.more = page.items.size() == limit;
    if (page.more) break;
    page.items.push_back(*it);
  }
  return page;
}

std::vector<keys::PinRefusalRecord> Image::pin_refusals(std::string_view token_serial) const {
  std::vector<keys::PinRefusalRecord> refusals;
  for (auto it = pin_refusals_.lower_bound({std::string(token_serial), std::string()});
       it != pin_refusals_.end() && it->first.first == token_serial; ++it) {
    refusals.push_back(it->second);
  }
  return refusals;
}

void Image::apply(const Effect& effect) {
  std::visit([this](const auto& change) { apply_one(change); }, effect);
}

void Image::apply_one(const Replacement<keys::KeyRecord>& change) {
  for (const keys::KeyPtr& key : {change.before, change.after}) {
    if (key == nullptr) continue;
    const bool more = key == change.after;
    count(key_counts_, key->scope, more);
    if (!key->custom_key_store_id.empty()) {
      count(key_counts_of_stores_, std::pair{key->scope, key->custom_key_store_id}, more);
    }
  }
  keys_.replace(change.before, change.after);
}

void Image::apply_one(const Replacement<keys::AliasRecord>& change) {
  if (change.before != nullptr) aliases_by_target_.erase(change.before);
  if (change.after != nullptr) aliases_by_target_.insert(change.after);
  aliases_.replace(change.before, change.after);
}

void Image::apply_one(const Replacement<keys::GrantRecord>& change) {
  if (const auto& grant = change.before; grant != nullptr) {
    grants_by_grantee_.erase(grant);
    if (!grant->retiring_principal.empty()) grants_by_retiring_principal_.erase(grant);
    count(grant_counts_, std::pair{grant->scope, grant->key_id}, false);
  }
  if (const auto& grant = change.after; grant != nullptr) {
    grants_by_grantee_.insert(grant);
    if (!grant->retiring_principal.empty()) grants_by_retiring_principal_.insert(grant);
    count(grant_counts_, std::pair{grant->scope, grant->key_id}, true);
  }
  grants_.replace(change.before, change.after);
}

void Image::apply_one(const Replacement<keys::KeyStoreRecord>& change) {
  key_stores_.replace(change.before, change.after);
}

void Image::apply_one(const Replacement<keys::SessionKeyRecord>& change) {
  session_keys_.replace(change.before, change.after);
}

void Image::apply_one(const RefusalChange& change) {
  const Bytes& hash = change.record.pin_hash;
  const std::pair key{change.record.token_serial, std::string(hash.begin(), hash.end())};
  if (change.present) {
    pin_refusals_.insert_or_assign(key, change.record);
  } else {
    pin_refusals_.erase(key);
  }
}

void Image::apply_one(const OutboxLine& /*line*/) {}

}  // namespace kms::storage
