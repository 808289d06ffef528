#include "connector/operations/new_material.h"

#include <exception>
#include <utility>
#include <vector>

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

void drop_unfinished(storage::MetadataStore& store, keystores::KeyStore& key_store,
                     keys::KeyRecord& key, pkcs11::Deadline deadline) {
  std::vector<keys::Generation> dropped;
  while (const keys::Material* const left = keys::unfinished_material(key)) {
    dropped.insert(dropped.end(), left->generations.begin(), left->generations.end());
    std::erase_if(key.materials, [id = left->id](const auto& m) { return m.id == id; });
  }
  if (dropped.empty()) return;
  const storage::Change change = storage::Put<keys::KeyRecord>{key};
  store.commit({&change, 1});
  ++key.version;
  destroy_unused(key_store, dropped, key.arn(), deadline);
}

void destroy_unused(keystores::KeyStore& key_store, const std::vector<keys::Generation>& unused,
                    const std::string& key_arn, pkcs11::Deadline deadline) {
  for (const keys::Generation& generation : unused) {
    try {
      key_store.destroy(generation.ref, deadline);
    } catch (const std::exception& error) {
      log(LogLevel::warning, "operations",
          "an unused object of key " + key_arn + " is left in the token: " + error.what());
    }
  }
}

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
