#include "connector/keys/imported_material.h"

#include <algorithm>

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

bool is_permanent(const KeyRecord& key, const Material& material) {
  return material.id != key.pending_material && &material != unfinished_material(key);
}

bool has_all_material(const KeyRecord& key) {
  return !key.current_material.empty() && std::ranges::all_of(key.materials, [&](const auto& one) {
    return !is_permanent(key, one) || is_present(one);
  });
}

void await_missing_material(KeyRecord& key) {
  const bool is_to_work = key.state == StoredState::enabled || key.state == StoredState::disabled;
  if (is_to_work && !has_all_material(key)) key.state = StoredState::pending_import;
}

void remove_material(KeyRecord& key, const std::string& material_id) {
  const bool pending = material_id == key.pending_material;
  if (pending && !key.is_replica()) {
    std::erase_if(key.materials, [&](const Material& one) { return one.id == material_id; });
    key.pending_material.clear();
    return;
  }
  const auto material = std::ranges::find(key.materials, material_id, &Material::id);
  material->generations.clear();
  material->imported->valid_to.reset();
  await_missing_material(key);
}

}  // namespace kms::keys
