#include <algorithm>

#include "connector/keys/imported_material.h"
#include "connector/keys/key_state.h"
#include "connector/operations/imports.h"
#include "connector/operations/marker.h"
#include "connector/operations/operation.h"
#include "connector/operations/rotation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 100, .maximum = 1000};

api::KeyMaterialState state_of(const Call& call, const keys::KeyRecord& key,
                               const keys::Material& material) {
  if (material.id == key.current_material) return api::KeyMaterialState::current;
  if (material.id == key.pending_material) {
    return pending_is_everywhere(call.context(), key)
               ? api::KeyMaterialState::pending_rotation
               : api::KeyMaterialState::pending_multi_region_import_and_rotation;
  }
  return api::KeyMaterialState::non_current;
}

api::RotationsListEntry entry_of(const Call& call, const keys::KeyRecord& key,
                                 const keys::Material& material) {
  api::RotationsListEntry entry{.key_id = key.id,
                                .key_material_id = material.id,
                                .key_material_state = state_of(call, key, material)};
  if (material.rotated_in) {
    entry.rotation_date = material.rotated_in->time;
    entry.rotation_type = material.rotated_in->type;
  }
  if (!material.imported) return entry;
  const keys::Imported& imported = *material.imported;
  const bool usable = keys::is_usable(material, call.now());
  entry.import_state = usable ? api::ImportState::imported : api::ImportState::pending_import;
  if (!imported.description.empty()) entry.key_material_description = imported.description;
  if (usable) {
    entry.expiration_model = imported.valid_to
                                 ? api::ExpirationModelType::key_material_expires
                                 : api::ExpirationModelType::key_material_does_not_expire;
    entry.valid_to = imported.valid_to;
  }
  return entry;
}

/// What is listed, the oldest first.
std::vector<const keys::Material*> listed(const keys::KeyRecord& key,
                                          api::IncludeKeyMaterial include) {
  std::vector<const keys::Material*> materials;
  for (const keys::Material& material : key.materials) {
    if (keys::is_unfinished(key, material)) continue;
    if (include == api::IncludeKeyMaterial::all_key_material || material.rotated_in) {
      materials.push_back(&material);
    }
  }
  return materials;
}

api::ListKeyRotationsResponse list_key_rotations(Call& call,
                                                 const api::ListKeyRotationsRequest& in) {
  const keys::KeyRecord key = call.manage(in.key_id).record();
  check_rotates(key);
  if (!key.custom_key_store_id.empty()) keys::refuse_origin(key);
  const auto include = in.include_key_material.value_or(api::IncludeKeyMaterial::rotations_only);
  const std::string filter = key.arn() + " " + std::string(api::to_string(include));
  const std::string after = open_marker(call, filter, in.marker);
  const auto materials = listed(key, include);
  const auto last = std::ranges::find_if(materials, [&](const auto* m) { return m->id == after; });
  auto next = last == materials.end() ? materials.begin() : last + 1;

  api::ListKeyRotationsResponse response{.rotations = std::vector<api::RotationsListEntry>{},
                                         .truncated = false};
  for (auto left = page_size(in.limit, kPage); left > 0 && next != materials.end(); --left) {
    response.rotations->push_back(entry_of(call, key, **next++));
  }
  if (next != materials.end()) {
    response.truncated = true;
    response.next_marker = make_marker(call, filter, (*std::prev(next))->id);
  }
  return response;
}

}  // namespace

extern const Operation kListKeyRotations;
constinit const Operation kListKeyRotations = operation<list_key_rotations>("ListKeyRotations");

}  // namespace kms::operations
