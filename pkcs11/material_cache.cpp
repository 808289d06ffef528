#include "pkcs11/material_cache.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace pkcs11 {

/// Where the last user of an evicted object leaves its handle. One for each login: what is left in
/// it after that died with the login.
class MaterialCache::Evicted final {
 public:
  void add(CK_OBJECT_HANDLE handle) {
    const MutexLock lock(mutex_);
    handles_.push_back(handle);
  }
  std::vector<CK_OBJECT_HANDLE> take() {
    const MutexLock lock(mutex_);
    return std::exchange(handles_, {});
  }

 private:
  Mutex mutex_;
  std::vector<CK_OBJECT_HANDLE> handles_ KMS_GUARDED_BY(mutex_);
};

MaterialCache::Unwrapped::~Unwrapped() {
  if (evicted_ == nullptr) return;
  evicted_->add(handle_);
  if (public_key_ != CK_INVALID_HANDLE) evicted_->add(public_key_);
}

std::size_t MaterialCache::Hash::operator()(const WrappedMaterial* material) const noexcept {
  const Bytes& blob = material->blob;
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(blob.data()), blob.size()});
}

MaterialCache::MaterialCache(std::size_t most)
    : most_(std::max<std::size_t>(most, 1)), evicted_(std::make_shared<Evicted>()) {}

MaterialCache::~MaterialCache() = default;

MaterialCache::Ref MaterialCache::find(const WrappedMaterial& material) {
  const MutexLock lock(mutex_);
  const auto found = index_.find(&material);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->key;
}

MaterialCache::Ref MaterialCache::put(const WrappedMaterial& material, CK_OBJECT_HANDLE handle,
                                      CK_OBJECT_HANDLE public_key) {
  Entries dropped;
  const MutexLock lock(mutex_);
  const auto found = index_.find(&material);
  if (found != index_.end()) {
    dropped.splice(dropped.begin(), entries_, found->second);
    index_.erase(found);
  }
  entries_.push_front({material, std::make_shared<Unwrapped>(handle, public_key, evicted_)});
  index_.emplace(&entries_.front().material, entries_.begin());
  while (entries_.size() > most_) {
    index_.erase(&entries_.back().material);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
  return entries_.front().key;
}

void MaterialCache::drop(const WrappedMaterial& material) {
  Entries dropped;
  const MutexLock lock(mutex_);
  const auto found = index_.find(&material);
  if (found == index_.end()) return;
  dropped.splice(dropped.begin(), entries_, found->second);
  index_.erase(found);
}

void MaterialCache::forget(const WrappedMaterial& material, const Ref& lost, bool gone) {
  const MutexLock lock(mutex_);
  const auto found = index_.find(&material);
  if (found == index_.end() || found->second->key != lost) return;
  const auto entry = found->second;
  index_.erase(found);
  // Other holders may be destroyed at this moment on other threads: they only read evicted_ in
  // their destructor, which runs when no holder is left, after us.
  if (gone) entry->key->evicted_ = nullptr;
  entries_.erase(entry);
}

void MaterialCache::discard(CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_key) {
  const MutexLock lock(mutex_);
  const Unwrapped evicted(handle, public_key, evicted_);
}

std::vector<CK_OBJECT_HANDLE> MaterialCache::take_evicted() {
  std::shared_ptr<Evicted> evicted;
  {
    const MutexLock lock(mutex_);
    evicted = evicted_;
  }
  return evicted->take();
}

void MaterialCache::clear() {
  Entries dropped;
  const MutexLock lock(mutex_);
  index_.clear();
  dropped.swap(entries_);
  evicted_ = std::make_shared<Evicted>();
}

std::size_t MaterialCache::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace pkcs11
