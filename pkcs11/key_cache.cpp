#include "pkcs11/key_cache.h"

#include <algorithm>

#include "pkcs11/key_kind.h"

namespace pkcs11 {

std::optional<ObjectId> object_id(const ObjectInfo& info) {
  ObjectId id{};
  if (info.id.size() != id.size()) return std::nullopt;
  std::ranges::copy(info.id, id.begin());
  return id;
}

TokenKey token_key(const ObjectInfo& info) {
  TokenKey key{.handle = info.handle, .kind = kind_of(info)};
  if (info.label == kKekLabel) key.role = Role::key_encryption_key;
  if (info.label == kCanaryLabel) key.role = Role::canary;
  if (info.label == kTransportLabel) key.role = Role::transport_key;
  return key;
}

std::string to_hex(const ObjectId& id) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : id) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::optional<TokenKey> KeyCache::find(const ObjectId& id) const {
  const MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

void KeyCache::put(const ObjectId& id, const TokenKey& key) {
  const MutexLock lock(mutex_);
  keys_.insert_or_assign(id, key);
}

void KeyCache::put_public(const ObjectId& id, CK_OBJECT_HANDLE handle,
                          CK_OBJECT_HANDLE public_key) {
  const MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found != keys_.end() && found->second.handle == handle) found->second.public_key = public_key;
}

void KeyCache::forget(const ObjectId& id, CK_OBJECT_HANDLE handle) {
  const MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found != keys_.end() && found->second.handle == handle) keys_.erase(found);
}

void KeyCache::forget(const ObjectId& id) {
  const MutexLock lock(mutex_);
  keys_.erase(id);
}

void KeyCache::clear() {
  const MutexLock lock(mutex_);
  keys_.clear();
}

}  // namespace pkcs11
