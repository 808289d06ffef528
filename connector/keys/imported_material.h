#pragma once

#include <string>
#include <string_view>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "connector/keys/records.h"

// What the key material of a key with Origin EXTERNAL means for the key.
namespace kms::keys {

/// KeyMaterialId: the same for the same material in the same key, another in another key.
[[nodiscard]] std::string imported_material_id(std::string_view key_id, ByteView fingerprint);

/// It was imported and not deleted since, neither by a caller nor because it expired.
[[nodiscard]] bool is_present(const Material& material);
/// It is present and has not expired. What is past its ValidTo is of no use at once; it is deleted
/// only when the clock was watched for a while, since a wrong clock must destroy nothing.
[[nodiscard]] bool is_usable(const Material& material, Timestamp now);
/// It is or was the current material: the key works only while it is present.
[[nodiscard]] bool is_permanent(const KeyRecord& key, const Material& material);
/// There is a current material, and each permanent one is present.
[[nodiscard]] bool has_all_material(const KeyRecord& key);

/// A permanent material is present but not usable any more: callers see the key wait for its
/// import.
[[nodiscard]] bool has_expired_material(const KeyRecord& key, Timestamp now);

/// A key that is to work waits for its import instead while it lacks material.
void await_missing_material(KeyRecord& key);

/// What becomes of the key when material is deleted or expires: one that was to become current is
/// forgotten, but for a replica, whose primary remembers it; without a permanent one the key waits
/// for its import, unless it waits for deletion. Its objects in the token stay in the record, as
/// unfinished material `rest`, until they are destroyed.
void remove_material(KeyRecord& key, const std::string& material_id, Material rest);

}  // namespace kms::keys
