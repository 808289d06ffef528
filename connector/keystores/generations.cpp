#include "connector/keystores/generations.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "connector/api/error.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using Clock = std::chrono::steady_clock;

keys::Material* find(keys::KeyRecord& key, const std::string& material_id) {
  const auto found = std::ranges::find(key.materials, material_id, &keys::Material::id);
  return found == key.materials.end() ? nullptr : &*found;
}

/// Changes the key as it is now, again whenever somebody else was faster. `change` answers false if
/// there is nothing to change.
void change_key(storage::MetadataStore& store, const Scope& scope, const std::string& id,
                const std::string& material_id, const Generations::Maker& maker,
                pkcs11::Deadline deadline, const std::function<bool(keys::Material&)>& change) {
  for (;;) {
    const keys::KeyPtr stored = store.key(scope, id);
    if (!stored) throw api::not_found("Key '" + key_arn(scope, id) + "' does not exist");
    keys::KeyRecord changed = *stored;
    keys::Material* material = find(changed, material_id);
    if (material == nullptr || material->generations.empty()) throw api::internal_error();
    if (!change(*material)) return;
    std::vector<storage::Change> changes;
    for (keys::KeyRecord& relative : maker.relatives(changed)) {
      changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(relative)});
    }
    changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(changed)});
    try {
      store.commit(changes);
      return;
    } catch (const storage::Error& error) {
      if (error.fault() != storage::Fault::conflict || Clock::now() > deadline) throw;
    }
  }
}

}  // namespace

const keys::Generation* unmade(const keys::Material& material) {
  if (material.generations.size() < 2) return nullptr;
  const keys::Generation& before_last = material.generations[material.generations.size() - 2];
  return before_last.number > material.generations.back().number ? &before_last : nullptr;
}

keys::KeyPtr Generations::after(const keys::KeyRecord& key, const std::string& material_id,
                                std::uint32_t used_up, const Maker& maker,
                                pkcs11::Deadline deadline) {
  // Relatives in other Regions get the same generation: one turn for all of them.
  const std::string name = key.scope.account + "/" + key.id;
  const auto turn = turns_.wait(name, deadline);
  if (!turn) {
    throw pkcs11::Error(pkcs11::Failure::deadline_exceeded,
                        "waited for the next generation of " + name);
  }
  const auto update = [&](const std::function<bool(keys::Material&)>& change) {
    change_key(store_, key.scope, key.id, material_id, maker, deadline, change);
  };

  const keys::KeyPtr stored = store_.key(key.scope, key.id);
  const keys::Material* material = stored ? stored->material(material_id) : nullptr;
  if (material == nullptr || material->generations.empty()) {
    throw api::not_found("Key '" + key.arn() + "' does not exist");
  }
  if (material->generations.back().number > used_up) return stored;

  // What an attempt that a crash or a fault cut short has recorded is replaced, not finished: the
  // token may still make it, and two objects of one id would never be told apart.
  if (const keys::Generation* left = unmade(*material)) maker.destroy(left->ref);
  const auto reserved = maker.reserve();
  if (reserved) {
    update([&](keys::Material& changed) {
      if (unmade(changed) != nullptr) changed.generations.erase(changed.generations.end() - 2);
      changed.generations.insert(changed.generations.end() - 1,
                                 {.number = used_up + 1, .ref = *reserved});
      return true;
    });
  }
  const pkcs11::MaterialRef made = maker.make(reserved);
  update([&](keys::Material& changed) {
    if (changed.generations.back().number > used_up) return false;
    std::erase_if(changed.generations,
                  [&](const keys::Generation& g) { return g.number > used_up; });
    changed.generations.push_back({.number = used_up + 1, .ref = made});
    return true;
  });
  return store_.key(key.scope, key.id);
}

}  // namespace kms::keystores
