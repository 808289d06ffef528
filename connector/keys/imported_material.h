#pragma once

#include <string>
#include <string_view>

#include "connector/base/bytes.h"
#include "connector/keys/records.h"

// What the key material of a key with Origin EXTERNAL means for the key.
namespace kms::keys {

/// KeyMaterialId: the same for the same material in the same key, another in another key.
[[nodiscard]] std::string imported_material_id(std::string_view key_id, ByteView fingerprint);

/// It was imported and was neither deleted since, nor has it expired.
[[nodiscard]] bool is_present(const Material& material);
/// It is or was the current material: the key works only while it is present.
[[nodiscard]] bool is_permanent(const KeyRecord& key, const Material& material);
/// There is a current material, and each permanent one is present.
[[nodiscard]] bool has_all_material(const KeyRecord& key);

/// A key that is to work waits for its import instead while it lacks material.
void await_missing_material(KeyRecord& key);

/// What becomes of the key when material is deleted or expires: one that was to become current is
/// forgotten, but for a replica, whose primary remembers it; without a permanent one the key waits
/// for its import, unless it waits for deletion. Its objects in the token stay in the record, as
/// unfinished material `rest`, until they are destroyed.
void remove_material(KeyRecord& key, const std::string& material_id, Material rest);

}  // namespace kms::keys
