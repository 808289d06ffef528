#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "connector/api/error.h"
#include "connector/keys/imported_material.h"
#include "connector/keys/key_spec.h"
#include "connector/operations/imports.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/new_material.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;
using api::ImportType;

constexpr std::chrono::days kMaxLife{365};

std::optional<Timestamp> valid_to_of(const Call& call, const api::ImportKeyMaterialRequest& in) {
  const bool expires =
      in.expiration_model.value_or(api::ExpirationModelType::key_material_expires) ==
      api::ExpirationModelType::key_material_expires;
  if (expires && !in.valid_to) {
    throw api::validation_error(
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
  }
  if (!expires && in.valid_to) {
    throw api::validation_error(
        "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE");
  }
  if (in.valid_to && *in.valid_to <= call.now()) {
    throw api::validation_error("ValidTo must be in the future");
  }
  if (in.valid_to && *in.valid_to > call.now() + kMaxLife) {
    throw api::validation_error("ValidTo must be within 365 days");
  }
  return in.valid_to;
}

bool is_symmetric(const keys::KeyRecord& key) {
  return key.spec == api::KeySpec::symmetric_default;
}

ImportType import_type(const keys::KeyRecord& key, const api::ImportKeyMaterialRequest& in) {
  if (!is_symmetric(key) && (in.import_type || in.key_material_id || in.key_material_description)) {
    throw api::validation_error(
        "ImportType, KeyMaterialId and KeyMaterialDescription are valid only for symmetric "
        "encryption keys.");
  }
  const ImportType type =
      in.import_type.value_or(key.current_material.empty() ? ImportType::new_key_material
                                                           : ImportType::existing_key_material);
  // A replica takes only what its primary knows already.
  if (type == ImportType::new_key_material) check_primary(key);
  if (type == ImportType::new_key_material && in.key_material_id) {
    throw api::validation_error("KeyMaterialId is not valid with ImportType NEW_KEY_MATERIAL.");
  }
  return type;
}

keys::ImportToken open_token(const Call& call, keystores::KeyStore& store,
                             const keys::AuthorizedKey& key,
                             const api::ImportKeyMaterialRequest& in) {
  auto token = store.open_import_token(key, in.import_token.view(), call.deadline());
  if (!token) {
    throw Error(ErrorCode::invalid_import_token,
                "The import token is not valid for the KMS key " + key.arn() + ".");
  }
  if (token->valid_to <= call.now()) {
    throw Error(ErrorCode::expired_import_token, "The import token has expired.");
  }
  check_wrapped_size(token->scheme, token->wrapping_key.kind, in.encrypted_key_material.size());
  return std::move(*token);
}

/// Where the material becomes an object in the token, the record says so first, as unfinished
/// material, so that a crash leaves nothing that no record explains. The id of that.
std::optional<std::string> begin(Call& call, keystores::KeyStore& store, keys::KeyRecord& key) {
  auto reserved = store.reserve(*keys::key_spec(key.spec).kind, call.deadline());
  if (!reserved) return std::nullopt;
  key.materials.push_back({.id = make_material_id(call.random()),
                           .created = call.now(),
                           .generations = {{.number = 1, .ref = std::move(*reserved)}}});
  const storage::Change intent = storage::Put<keys::KeyRecord>{key};
  call.store().commit({&intent, 1});
  ++key.version;
  return key.materials.back().id;
}

/// The material of this id, among those of the key: which one it is decides whether this request
/// may bring it.
keys::Material& place(keys::KeyRecord& key, const std::string& id, ImportType type,
                      const api::ImportKeyMaterialRequest& in, Timestamp now) {
  const auto known = std::ranges::find(key.materials, id, &keys::Material::id);
  const bool is_known = known != key.materials.end();
  // A key that is not symmetric has one material for its life.
  const bool brings_new =
      is_symmetric(key) ? type == ImportType::new_key_material : key.current_material.empty();
  if (brings_new == is_known || in.key_material_id.value_or(id) != id) {
    throw Error(ErrorCode::incorrect_key_material);
  }
  if (is_known) return *known;
  if (!key.pending_material.empty()) {
    throw api::invalid_state(
        "New key material (id: " + id + ") cannot be imported into KMS key " + key.arn() +
        ", because another key material (id: " + key.pending_material + ") is pending rotation.");
  }
  (key.current_material.empty() ? key.current_material : key.pending_material) = id;
  return key.materials.emplace_back(keys::Material{.id = id, .created = now});
}

struct Import {
  keystores::KeyStore& store;
  const keys::AuthorizedKey& authorized;
  const keys::ImportToken& token;
  ImportType type;
  std::optional<Timestamp> valid_to;
  std::optional<std::string> begun;  // the unfinished material
};

/// Gives the material what was made, unless it has what is still there: whoever uses that now must
/// not lose it. An object that is of no use then stays unfinished.
void put_in_place(const Call& call, const Import& import, keys::KeyRecord& key,
                  const std::string& material_id, pkcs11::MaterialRef made) {
  const auto find = [&](const std::string& id) {
    return std::ranges::find(key.materials, id, &keys::Material::id);
  };
  auto& generations = find(material_id)->generations;
  if (generations.empty()) {
    generations = {{.number = 1, .ref = std::move(made)}};
    if (import.begun) key.materials.erase(find(*import.begun));
  } else if (import.begun && !import.store.holds(generations.back().ref, call.deadline())) {
    find(*import.begun)->generations.front().ref =
        std::exchange(generations.back().ref, std::move(made));
  }
}

api::ImportKeyMaterialResponse take(Call& call, const Import& import, keys::KeyRecord key,
                                    const api::ImportKeyMaterialRequest& in) {
  std::optional<pkcs11::MaterialRef> reserved;
  if (import.begun) reserved = key.material(*import.begun)->generations.front().ref;
  auto result = import.store.import_material(
      import.authorized, import.token, in.encrypted_key_material.view(), reserved, call.deadline());
  if (const auto* fault = std::get_if<pkcs11::ImportFault>(&result)) {
    throw Error(*fault == pkcs11::ImportFault::ciphertext ? ErrorCode::invalid_ciphertext
                                                          : ErrorCode::incorrect_key_material);
  }
  auto& made = std::get<keystores::ImportedMaterial>(result);
  const std::string id = keys::imported_material_id(key.id, made.fingerprint);
  const bool is_new = key.material(id) == nullptr;
  keys::Material& material = place(key, id, import.type, in, call.now());
  if (!material.imported) material.imported.emplace();
  material.imported->fingerprint = std::move(made.fingerprint);
  material.imported->valid_to = import.valid_to;
  if (in.key_material_description) material.imported->description = *in.key_material_description;
  put_in_place(call, import, key, id, std::move(made.ref));
  if (key.state == keys::StoredState::pending_import && keys::has_all_material(key))
    key.state = keys::StoredState::enabled;

  api::ImportKeyMaterialResponse response{.key_id = key.arn()};
  if (is_symmetric(key)) response.key_material_id = id;
  std::vector<storage::Change> changes;
  if (is_new) synchronize_replicas(call.context(), key, changes, call.deadline());
  changes.emplace_back(storage::Put<keys::KeyRecord>{key});
  call.commit(std::move(changes), response);
  ++key.version;
  if (import.begun) drop_unfinished(call.context(), key, *import.begun, call.deadline());
  return response;
}

api::ImportKeyMaterialResponse import_key_material(Call& call,
                                                   const api::ImportKeyMaterialRequest& in) {
  const std::optional<Timestamp> valid_to = valid_to_of(call, in);
  const keys::AuthorizedKey authorized = manage_import(call, in.key_id);
  keys::KeyRecord key = authorized.record();
  const ImportType type = import_type(key, in);
  const auto store = call.key_stores().of(key);
  const keys::ImportToken token = open_token(call, *store, authorized, in);

  const Import import{.store = *store,
                      .authorized = authorized,
                      .token = token,
                      .type = type,
                      .valid_to = valid_to,
                      .begun = begin(call, *store, key)};
  try {
    return take(call, import, key, in);
  } catch (...) {
    if (import.begun) drop_unfinished(call.context(), key, *import.begun, call.deadline());
    throw;
  }
}

}  // namespace

extern const Operation kImportKeyMaterial;
constinit const Operation kImportKeyMaterial = operation<import_key_material>("ImportKeyMaterial");

}  // namespace kms::operations
