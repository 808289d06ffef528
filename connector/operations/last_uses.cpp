#include "connector/operations/last_uses.h"

#include <functional>
#include <tuple>
#include <utility>
#include <vector>

namespace kms::operations {

std::size_t LastUses::stripe_of(const std::string& key_id) {
  return std::hash<std::string>{}(key_id) % std::tuple_size_v<decltype(stripes_)>;
}

void LastUses::note(const keys::KeyRecord& key, keys::LastUse use) {
  Stripe& stripe = stripes_[stripe_of(key.id)];
  MutexLock lock(stripe.mutex);
  auto& noted = stripe.noted[{key.scope, key.id}];
  if (noted.time <= use.time) noted = std::move(use);
}

std::optional<keys::LastUse> LastUses::pending(const Scope& scope,
                                               const std::string& key_id) const {
  const Stripe& stripe = stripes_[stripe_of(key_id)];
  MutexLock lock(stripe.mutex);
  const auto found = stripe.noted.find({scope, key_id});
  if (found == stripe.noted.end()) return std::nullopt;
  return found->second;
}

void LastUses::flush(storage::MetadataStore& store) {
  Noted all;
  for (const Stripe& stripe : stripes_) {
    MutexLock lock(stripe.mutex);
    all.insert(stripe.noted.begin(), stripe.noted.end());
  }
  if (all.empty()) return;
  std::vector<storage::Change> changes;
  changes.reserve(all.size());
  for (const auto& [key, use] : all) {
    changes.emplace_back(
        storage::NoteLastUse{.scope = key.first, .key_id = key.second, .use = use});
  }
  store.commit(changes);
  // Not before: until then pending() is all that knows of them.
  for (const auto& [key, use] : all) {
    Stripe& stripe = stripes_[stripe_of(key.second)];
    MutexLock lock(stripe.mutex);
    const auto noted = stripe.noted.find(key);
    if (noted != stripe.noted.end() && noted->second == use) stripe.noted.erase(noted);
  }
}

}  // namespace kms::operations
