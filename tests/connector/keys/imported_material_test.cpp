#include "connector/keys/imported_material.h"

#include <gtest/gtest.h>

#include "connector/keys/key_metadata.h"
#include "connector/keys/key_state.h"

namespace kms::keys {
namespace {

using namespace std::chrono_literals;

Material material(const std::string& id, std::optional<Timestamp> valid_to = {}) {
  return {.id = id,
          .generations = {{.number = 1}},
          .imported = Imported{.fingerprint = {1}, .description = {}, .valid_to = valid_to}};
}

/// Nothing has expired yet.
constexpr Timestamp kBefore{999ms};

/// Two materials were current, one waits.
KeyRecord key() {
  KeyRecord key;
  key.scope = {"123456789012", "us-east-1"};
  key.id = "k";
  key.origin = api::OriginType::external;
  key.state = StoredState::enabled;
  key.materials = {material("old", Timestamp{3000ms}), material("current", Timestamp{2000ms}),
                   material("next", Timestamp{1000ms})};
  key.current_material = "current";
  key.pending_material = "next";
  return key;
}

TEST(ImportedMaterial, IdsAreOfKeyAndMaterial) {
  const std::string id = imported_material_id("k", Bytes{1});
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(imported_material_id("k", Bytes{1}), id);
  EXPECT_NE(imported_material_id("k", Bytes{2}), id);
  EXPECT_NE(imported_material_id("l", Bytes{1}), id);
}

TEST(ImportedMaterial, EachPermanentMaterialIsNeeded) {
  for (const char* id : {"old", "current"}) {
    KeyRecord record = key();
    EXPECT_TRUE(has_all_material(record));
    remove_material(record, id, {.id = "rest"});
    EXPECT_FALSE(has_all_material(record)) << id;
    EXPECT_EQ(record.state, StoredState::pending_import);
    EXPECT_NE(record.material(id), nullptr);
  }
}

TEST(ImportedMaterial, WhatWasNeverCurrentIsForgotten) {
  KeyRecord record = key();
  remove_material(record, "next", {.id = "rest"});
  EXPECT_EQ(record.material("next"), nullptr);
  EXPECT_EQ(record.pending_material, "");
  EXPECT_EQ(record.state, StoredState::enabled);
  EXPECT_TRUE(has_all_material(record));
}

TEST(ImportedMaterial, ItsObjectsAreRememberedAsUnfinishedMaterial) {
  for (const char* id : {"current", "next"}) {
    KeyRecord record = key();
    const Generation object{.number = 1, .ref = pkcs11::ObjectMaterial{.id = {7}}};
    for (Material& material : record.materials) material.generations = {object};
    remove_material(record, id, {.id = "rest", .created = Timestamp{5ms}});
    const Material* const rest = record.material("rest");
    ASSERT_NE(rest, nullptr);
    EXPECT_EQ(*rest, (Material{.id = "rest", .created = Timestamp{5ms}, .generations = {object}}));
    EXPECT_TRUE(is_unfinished(record, *rest));
    EXPECT_FALSE(is_permanent(record, *rest));
    EXPECT_EQ(has_all_material(record), id == std::string("next"));
  }
}

TEST(ImportedMaterial, WrappedMaterialLeavesNothingBehind) {
  KeyRecord record = key();
  for (Material& material : record.materials) {
    material.generations = {{.number = 1, .ref = pkcs11::WrappedMaterial{}}};
  }
  remove_material(record, "current", {.id = "rest"});
  EXPECT_EQ(record.material("rest"), nullptr);
}

TEST(ImportedMaterial, AReplicaRemembersWhatItsPrimaryRemembers) {
  KeyRecord record = key();
  record.multi_region =
      MultiRegion{.primary_region = "us-west-2", .replica_regions = {"us-east-1"}};
  remove_material(record, "next", {.id = "rest"});
  ASSERT_NE(record.material("next"), nullptr);
  EXPECT_FALSE(is_present(*record.material("next")));
  EXPECT_EQ(record.pending_material, "next");
  EXPECT_EQ(record.state, StoredState::enabled);
}

TEST(ImportedMaterial, AKeyThatWaitsForDeletionGoesOnWaiting) {
  for (const auto state : {StoredState::pending_deletion, StoredState::pending_replica_deletion}) {
    KeyRecord record = key();
    record.state = state;
    remove_material(record, "current", {.id = "rest"});
    EXPECT_EQ(record.state, state);
  }
}

TEST(ImportedMaterial, TheEarliestEndOfPermanentMaterialIsShown) {
  KeyRecord record = key();
  EXPECT_EQ(key_metadata(record, true, "", kBefore).valid_to, Timestamp{2000ms});
  EXPECT_EQ(key_metadata(record, true, "", kBefore).expiration_model,
            api::ExpirationModelType::key_material_expires);
  record.materials[0].imported->valid_to.reset();
  record.materials[1].imported->valid_to.reset();
  EXPECT_EQ(key_metadata(record, true, "", kBefore).valid_to, std::nullopt);
  EXPECT_EQ(key_metadata(record, true, "", kBefore).expiration_model,
            api::ExpirationModelType::key_material_does_not_expire);
  remove_material(record, "old", {.id = "rest"});
  remove_material(record, "current", {.id = "rest"});
  EXPECT_EQ(key_metadata(record, true, "", kBefore).expiration_model, std::nullopt);
}

TEST(ImportedMaterial, ServesNobodyFromItsValidToOn) {
  KeyRecord record = key();
  const Material& current = *record.material("current");
  EXPECT_TRUE(is_usable(current, Timestamp{1999ms}));
  EXPECT_FALSE(is_usable(current, Timestamp{2000ms}));
  EXPECT_TRUE(is_present(current));

  // One that was never current may expire.
  EXPECT_EQ(visible_state(record, true, Timestamp{1999ms}), api::KeyState::enabled);
  for (const auto state : {StoredState::enabled, StoredState::disabled}) {
    record.state = state;
    for (const bool available : {true, false}) {
      EXPECT_EQ(visible_state(record, available, Timestamp{2000ms}), api::KeyState::pending_import);
    }
  }
  const api::KeyMetadata metadata = key_metadata(record, true, "", Timestamp{2000ms});
  EXPECT_EQ(metadata.enabled, false);
  EXPECT_EQ(metadata.valid_to, Timestamp{3000ms});
  record.state = StoredState::pending_deletion;
  EXPECT_EQ(visible_state(record, true, Timestamp{2000ms}), api::KeyState::pending_deletion);
}

TEST(ImportedMaterial, EachPermanentMaterialMustBeUsable) {
  KeyRecord record = key();
  record.materials[1].imported->valid_to.reset();
  EXPECT_EQ(visible_state(record, true, Timestamp{2999ms}), api::KeyState::enabled);
  EXPECT_EQ(visible_state(record, true, Timestamp{3000ms}), api::KeyState::pending_import);
}

}  // namespace
}  // namespace kms::keys
