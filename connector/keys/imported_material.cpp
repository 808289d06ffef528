#include "connector/keys/imported_material.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "connector/base/encodings.h"

namespace kms::keys {

std::string imported_material_id(std::string_view key_id, ByteView fingerprint) {
  // Key ids are of two lengths, and neither begins with the other.
  Bytes bytes(key_id.begin(), key_id.end());
  bytes.insert(bytes.end(), fingerprint.begin(), fingerprint.end());
  return to_hex(sha256(bytes));
}

bool is_present(const Material& material) {
  return material.imported && !material.generations.empty();
}

bool is_usable(const Material& material, Timestamp now) {
  if (!is_present(material)) return false;
  const auto& valid_to = material.imported->valid_to;
  return !valid_to || now < *valid_to;
}

bool is_permanent(const KeyRecord& key, const Material& material) {
  return material.id != key.pending_material && !is_unfinished(key, material);
}

bool has_all_material(const KeyRecord& key) {
  return !key.current_material.empty() && std::ranges::all_of(key.materials, [&](const auto& one) {
    return !is_permanent(key, one) || is_present(one);
  });
}

bool has_expired_material(const KeyRecord& key, Timestamp now) {
  return std::ranges::any_of(key.materials, [&](const auto& one) {
    return is_present(one) && !is_usable(one, now) && is_permanent(key, one);
  });
}

void await_missing_material(KeyRecord& key) {
  const bool is_to_work = key.state == StoredState::enabled || key.state == StoredState::disabled;
  if (is_to_work && !has_all_material(key)) key.state = StoredState::pending_import;
}

void remove_material(KeyRecord& key, const std::string& material_id, Material rest) {
  const auto material = std::ranges::find(key.materials, material_id, &Material::id);
  std::ranges::copy_if(material->generations, std::back_inserter(rest.generations),
                       [](const Generation& generation) {
                         return std::holds_alternative<pkcs11::ObjectMaterial>(generation.ref);
                       });
  if (material_id == key.pending_material && !key.is_replica()) {
    key.materials.erase(material);
    key.pending_material.clear();
  } else {
    material->generations.clear();
    material->imported->valid_to.reset();
    await_missing_material(key);
  }
  if (!rest.generations.empty()) key.materials.push_back(std::move(rest));
}

}  // namespace kms::keys
