#include "connector/keys/records.h"

#include <algorithm>

namespace kms::keys {

const Material* KeyRecord::material(std::string_view material_id) const {
  const auto found = std::ranges::find(materials, material_id, &Material::id);
  return found == materials.end() ? nullptr : &*found;
}

}  // namespace kms::keys
