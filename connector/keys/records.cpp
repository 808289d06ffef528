#include "connector/keys/records.h"

#include <algorithm>

namespace kms::keys {

const Material* KeyRecord::material(std::string_view material_id) const {
  const auto found = std::ranges::find(materials, material_id, &Material::id);
  return found == materials.end() ? nullptr : &*found;
}

const Material* unfinished_rotation(const KeyRecord& key) {
  for (const Material& material : key.materials) {
    const bool made = &material == &key.materials.front() || material.rotated_in ||
                      material.imported || material.id == key.current_material;
    if (!made) return &material;
  }
  return nullptr;
}

}  // namespace kms::keys
