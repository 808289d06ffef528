#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/keys/imported_material.h"
#include "connector/operations/imports.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/new_material.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

/// Empty if no material was ever imported. A material that is not there may be one that was
/// deleted before it was current: the key does not remember those.
std::string material_of(const keys::KeyRecord& key,
                        const api::DeleteImportedKeyMaterialRequest& in) {
  if (!in.key_material_id) return key.current_material;
  if (key.spec != api::KeySpec::symmetric_default) {
    throw api::validation_error("KeyMaterialId is valid only for symmetric encryption keys.");
  }
  return *in.key_material_id;
}

api::DeleteImportedKeyMaterialResponse delete_imported_key_material(
    Call& call, const api::DeleteImportedKeyMaterialRequest& in) {
  keys::KeyRecord key = manage_import(call, in.key_id).record();
  const std::string arn = key.arn();
  const std::string id = material_of(key, in);
  api::DeleteImportedKeyMaterialResponse response{.key_id = arn};
  if (key.spec == api::KeySpec::symmetric_default && !id.empty()) response.key_material_id = id;
  const keys::Material* material = key.material(id);
  if (material == nullptr || !keys::is_present(*material)) return response;

  const auto store = call.key_stores().of(key);
  const std::vector<keys::Generation> deleted = material->generations;
  const bool pending = id == key.pending_material;
  keys::remove_material(key, id);
  std::vector<storage::Change> changes;
  if (pending) synchronize_replicas(call.context(), key, changes, call.deadline());
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(key)});
  call.commit(std::move(changes), response);
  // Not before: whoever else changes the key meanwhile still finds it whole.
  destroy_unused(*store, deleted, arn, call.deadline());
  return response;
}

}  // namespace

extern const Operation kDeleteImportedKeyMaterial;
constinit const Operation kDeleteImportedKeyMaterial =
    operation<delete_imported_key_material>("DeleteImportedKeyMaterial");

}  // namespace kms::operations
