#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/keys/imported_material.h"
#include "connector/operations/imports.h"
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
  const std::string id = material_of(key, in);
  api::DeleteImportedKeyMaterialResponse response{.key_id = key.arn()};
  if (key.spec == api::KeySpec::symmetric_default && !id.empty()) response.key_material_id = id;
  const keys::Material* material = key.material(id);
  if (material == nullptr) return response;
  // What waits for its rotation is forgotten in each Region, although none may hold it.
  const bool forgotten = id == key.pending_material && !key.is_replica();
  if (!keys::is_present(*material) && !forgotten) return response;

  delete_material(
      call.context(), std::move(key), id,
      [&](std::vector<storage::Change> changes) { call.commit(std::move(changes), response); },
      call.deadline());
  return response;
}

}  // namespace

extern const Operation kDeleteImportedKeyMaterial;
constinit const Operation kDeleteImportedKeyMaterial =
    operation<delete_imported_key_material>("DeleteImportedKeyMaterial");

}  // namespace kms::operations
