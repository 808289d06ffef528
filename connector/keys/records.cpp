#include "connector/keys/records.h"

#include <algorithm>

namespace kms::keys {

const Material* KeyRecord::material(std::string_view material_id) const {
  const auto found = std::ranges::find(materials, material_id, &Material::id);
  return found == materials.end() ? nullptr : &*found;
}

const Material* unfinished_material(const KeyRecord& key) {
  // A key of ours is created with its first material.
  const bool created_with_one = key.origin != api::OriginType::external;
  for (const Material& material : key.materials) {
    const bool made = (created_with_one && &material == &key.materials.front()) ||
                      material.rotated_in || material.imported ||
                      material.id == key.current_material;
    if (!made) return &material;
  }
  return nullptr;
}

}  // namespace kms::keys
