#include "connector/storage/image_store.h"

namespace kms::storage {

std::vector<keys::KeyPtr> ImageStore::find_keys(
    const std::function<bool(const keys::KeyRecord&)>& predicate) const {
  std::vector<keys::KeyPtr> found;
  {
    const ReadLock lock(image_mutex_);
    found = image_.keys().all();
  }
  std::erase_if(found, [&predicate](const keys::KeyPtr& key) { return !predicate(*key); });
  return found;
}

std::vector<keys::KeyStorePtr> ImageStore::key_stores(const Scope* scope) const {
  std::vector<keys::KeyStorePtr> found;
  {
    const ReadLock lock(image_mutex_);
    found = image_.key_stores().all();
  }
  std::erase_if(found, [scope](const keys::KeyStorePtr& store) {
    return scope != nullptr && store->scope != *scope;
  });
  return found;
}

}  // namespace kms::storage
