#include "connector/operations/rotation.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "connector/api/error.h"
#include "connector/keys/key_spec.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/new_material.h"
#include "connector/operations/service_event.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

/// Appends material made by the token; returns its id.
std::string make_new(const Context& context, keys::KeyRecord& key, pkcs11::Deadline deadline) {
  const auto store = context.key_stores.of(key);
  key.materials.push_back({.id = make_material_id(context.random), .created = context.clock.now()});
  make_last_material(context, *store, *keys::key_spec(key.spec).kind, key, deadline);
  return key.materials.back().id;
}

/// On schedule, or a whole period from now where the key was disabled past its date.
Timestamp next_rotation(const keys::AutomaticRotation& rotation, Timestamp now) {
  const auto period = std::chrono::days(rotation.period_days);
  const Timestamp next = rotation.next + period;
  return next > now ? next : now + period;
}

}  // namespace

void check_rotates(const keys::KeyRecord& key) {
  if (!rotates(key)) throw Error(ErrorCode::unsupported_operation);
}

std::vector<storage::Change> rotate(const Context& context, keys::KeyRecord key,
                                    api::RotationType type, pkcs11::Deadline deadline) {
  std::vector<storage::Change> changes;
  const bool imported = key.origin == api::OriginType::external;
  const std::string id =
      imported ? std::exchange(key.pending_material, {}) : make_new(context, key, deadline);
  const Timestamp now = context.clock.now();
  const auto material = std::ranges::find(key.materials, id, &keys::Material::id);
  if (material == key.materials.end()) throw api::internal_error();
  material->rotated_in = keys::RotatedIn{.type = type, .time = now};
  key.current_material = id;
  if (type == api::RotationType::on_demand) {
    ++key.on_demand_rotations;
  } else if (key.rotation) {
    key.rotation->next = next_rotation(*key.rotation, now);
  }
  const std::string details = ",\"rotationType\":\"" + std::string(api::to_string(type)) + "\"";
  changes.emplace_back(
      storage::AppendAudit{audit::to_json(service_event(context, "RotateKey", key, details))});
  synchronize_replicas(context, key, changes, deadline);
  changes.emplace_back(storage::Put<keys::KeyRecord>{std::move(key)});
  return changes;
}

}  // namespace kms::operations
