#include "connector/operations/new_material.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "connector/base/log.h"

namespace kms::operations {

std::string make_material_id(Random& random) { return make_hex_id(random, 32); }

void drop_unfinished(const Context& context, keys::KeyRecord key, const std::string& material_id,
                     pkcs11::Deadline deadline) {
  const auto material = std::ranges::find(key.materials, material_id, &keys::Material::id);
  if (material == key.materials.end()) return;
  const std::string arn = key.arn();
  try {
    const auto store = context.key_stores.of(key);
    for (const keys::Generation& generation : material->generations) {
      store->destroy(generation.ref, deadline);
    }
    key.materials.erase(material);
    storage::Change change = storage::Put<keys::KeyRecord>{key};
    if (key.state == keys::StoredState::creating) change = storage::Erase<keys::KeyRecord>{key};
    context.store.commit({&change, 1});
  } catch (const std::exception& error) {
    const auto* const refusal = dynamic_cast<const storage::Error*>(&error);
    // Somebody else has changed the key: the object is gone, and the job takes it out of the
    // record.
    if (refusal != nullptr && refusal->fault() == storage::Fault::conflict) return;
    log(LogLevel::warning, "operations",
        arn + ": unused objects stay in its token for now: " + error.what());
  }
}

void make_last_material(const Context& context, keystores::KeyStore& key_store,
                        pkcs11::KeyKind kind, keys::KeyRecord& key, pkcs11::Deadline deadline) {
  const auto reserved = key_store.reserve(kind, deadline);
  auto& generations = key.materials.back().generations;
  if (!reserved) {
    generations = {{.number = 1, .ref = key_store.make(kind, reserved, key.arn(), deadline)}};
    return;
  }
  generations = {{.number = 1, .ref = *reserved}};
  const storage::Change intent = storage::Put<keys::KeyRecord>{key};
  context.store.commit({&intent, 1});
  ++key.version;
  try {
    generations.front().ref = key_store.make(kind, reserved, key.arn(), deadline);
  } catch (...) {
    drop_unfinished(context, key, key.materials.back().id, deadline);
    throw;
  }
}

}  // namespace kms::operations
