#include "connector/operations/new_material.h"

#include <exception>
#include <utility>

#include "connector/base/log.h"

namespace kms::operations {
namespace {

/// While the token cannot be reached, the record stays: reconciliation or the next rotation see to
/// it.
void undo(storage::MetadataStore& store, keystores::KeyStore& key_store, keys::KeyRecord key,
          const pkcs11::MaterialRef& reserved, pkcs11::Deadline deadline) {
  const std::string arn = key.arn();
  try {
    key_store.destroy(reserved, deadline);
    key.materials.pop_back();
    storage::Change change = storage::Erase<keys::KeyRecord>{key};
    if (!key.materials.empty()) change = storage::Put<keys::KeyRecord>{std::move(key)};
    store.commit({&change, 1});
  } catch (const std::exception& error) {
    log(LogLevel::warning, "operations",
        arn + ": material that was not made to the end stays for now: " + error.what());
  }
}

}  // namespace

void make_last_material(storage::MetadataStore& store, keystores::KeyStore& key_store,
                        pkcs11::KeyKind kind, keys::KeyRecord& key, pkcs11::Deadline deadline) {
  const auto reserved = key_store.reserve(kind, deadline);
  auto& generations = key.materials.back().generations;
  if (!reserved) {
    generations = {{.number = 1, .ref = key_store.make(kind, reserved, key.arn(), deadline)}};
    return;
  }
  generations = {{.number = 1, .ref = *reserved}};
  const storage::Change intent = storage::Put<keys::KeyRecord>{key};
  store.commit({&intent, 1});
  ++key.version;
  try {
    generations.front().ref = key_store.make(kind, reserved, key.arn(), deadline);
  } catch (...) {
    undo(store, key_store, key, *reserved, deadline);
    throw;
  }
}

}  // namespace kms::operations
