#include "connector/keys/records.h"

#include <algorithm>

namespace kms::keys {

const Material* KeyRecord::material(std::string_view material_id) const {
  const auto found = std::ranges::find(materials, material_id, &Material::id);
  return found == materials.end() ? nullptr : &*found;
}

bool is_unfinished(const KeyRecord& key, const Material& material) {
  if (key.state == StoredState::creating) return true;
  // A key of ours is created with its first material.
  const bool created_with_it =
      key.origin != api::OriginType::external && &material == &key.materials.front();
  return !created_with_it && !material.rotated_in && !material.imported &&
         material.id != key.current_material;
}

}  // namespace kms::keys
