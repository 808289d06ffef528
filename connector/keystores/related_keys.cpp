#include "connector/keystores/related_keys.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "connector/keys/imported_material.h"
#include "connector/keystores/region_tokens.h"
#include "connector/keystores/transport.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using keys::Generation;
using keys::KeyRecord;
using keys::Material;

const Generation* find(const Material* material, std::uint32_t number) {
  if (material == nullptr) return nullptr;
  const auto found = std::ranges::find(material->generations, number, &Generation::number);
  return found == material->generations.end() ? nullptr : &*found;
}

const pkcs11::WrappedMaterial& wrapped(const Generation& generation) {
  const auto* material = std::get_if<pkcs11::WrappedMaterial>(&generation.ref);
  if (material == nullptr) {
    throw pkcs11::Error(pkcs11::Failure::bad_argument, "a token object cannot be carried");
  }
  return *material;
}

/// What a replica knows of imported material: each Region has it imported for itself.
Material imported_anew(const Material& material, const Material* former) {
  Material here = former != nullptr ? *former : material;
  here.rotated_in = material.rotated_in;
  if (former == nullptr) {
    here.generations.clear();
    if (here.imported) {
      here.imported = keys::Imported{.fingerprint = std::move(here.imported->fingerprint),
                                     .description = {},
                                     .valid_to = std::nullopt};
    }
  }
  return here;
}

}  // namespace

void RelatedKeys::share(const KeyRecord& key, KeyRecord& relative,
                        pkcs11::Deadline deadline) const {
  std::optional<Transport> transport;
  const auto carried = [&](const Generation& generation) {
    if (!transport) {
      transport.emplace(tokens_.token(key.scope.region, deadline),
                        tokens_.token(relative.scope.region, deadline), deadline);
    }
    // Each Region counts its own invocations.
    return Generation{.number = generation.number, .ref = transport->carry(wrapped(generation))};
  };

  std::vector<Material> materials;
  for (const Material& material : key.materials) {
    if (keys::is_unfinished(key, material)) continue;
    const Material* const former = relative.material(material.id);
    if (key.origin == api::OriginType::external) {
      materials.push_back(imported_anew(material, former));
      continue;
    }
    Material& here = materials.emplace_back(material);
    for (Generation& generation : here.generations) {
      const Generation* const present = find(former, generation.number);
      generation = present != nullptr ? *present : carried(generation);
    }
  }
  // What is unfinished is in the one token.
  std::ranges::copy_if(
      relative.materials, std::back_inserter(materials),
      [&](const Material& material) { return keys::is_unfinished(relative, material); });
  relative.materials = std::move(materials);
  relative.current_material = key.current_material;
  relative.pending_material = key.pending_material;
  relative.rotation = key.rotation;
  relative.on_demand_rotations = key.on_demand_rotations;
  relative.multi_region = key.multi_region;
  // It may have lost what became current just now.
  if (key.origin == api::OriginType::external) keys::await_missing_material(relative);
}

std::vector<KeyRecord> RelatedKeys::following(const KeyRecord& key,
                                              pkcs11::Deadline deadline) const {
  std::vector<KeyRecord> relatives;
  if (!key.multi_region) return relatives;
  std::vector<std::string> regions = key.multi_region->replica_regions;
  regions.push_back(key.multi_region->primary_region);
  for (const std::string& region : regions) {
    if (region == key.scope.region) continue;
    const keys::KeyPtr stored = store_.key({key.scope.account, region}, key.id);
    if (stored) share(key, relatives.emplace_back(*stored), deadline);
  }
  return relatives;
}

void RelatedKeys::replicate(KeyRecord& primary, KeyRecord& replica,
                            pkcs11::Deadline deadline) const {
  const auto current =
      std::ranges::find(primary.materials, primary.current_material, &Material::id);
  if (primary.spec == api::KeySpec::symmetric_default &&
      primary.origin == api::OriginType::aws_kms && current != primary.materials.end()) {
    pkcs11::Token& token = tokens_.token(primary.scope.region, deadline);
    current->generations.push_back(
        {.number = current->generations.back().number + 1,
         .ref = token.generate_wrapped(pkcs11::KeyKind::aes_256, deadline)});
  }
  share(primary, replica, deadline);
}

}  // namespace kms::keystores
