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

void Image::apply_one(const Replacement<keys::KeyStoreRecord>& change) {
  key_stores_.replace(change.before, change.after);
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
