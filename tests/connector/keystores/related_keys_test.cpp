#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

using keys::StoredState;

class RelatedKeys : public KeyStoresTest {
 protected:
  static keys::Material imported(const std::string& id, bool present) {
    keys::Material material{.id = id, .imported = keys::Imported{}};
    if (present) material.generations = {{.number = 1, .ref = pkcs11::WrappedMaterial{}}};
    return material;
  }
  keys::KeyRecord external_key(const std::string& region, std::vector<keys::Material> materials) {
    keys::KeyRecord key;
    key.scope = {kHere.account, region};
    key.id = "mrk-1";
    key.state = StoredState::enabled;
    key.origin = api::OriginType::external;
    key.materials = std::move(materials);
    key.multi_region =
        keys::MultiRegion{.primary_region = kHere.region, .replica_regions = {"us-west-2"}};
    return key;
  }
  /// The replica's state once the primary is as given.
  StoredState followed(const keys::KeyRecord& primary, keys::KeyRecord replica, StoredState state) {
    replica.state = state;
    if (const auto stored = db().key(replica.scope, replica.id)) replica.version = stored->version;
    const storage::Change put = storage::Put<keys::KeyRecord>{replica};
    db().commit({&put, 1});
    const auto relatives = stores().following(primary, soon());
    EXPECT_EQ(relatives.size(), 1U);
    EXPECT_EQ(relatives.front().current_material, primary.current_material);
    return relatives.front().state;
  }
};

// It may delete the material after its primary looked whether it is everywhere.
TEST_F(RelatedKeys, AReplicaWithoutWhatBecameCurrentWaitsForItsImport) {
  keys::KeyRecord primary =
      external_key(kHere.region, {imported("first", true), imported("second", true)});
  primary.current_material = "second";
  const auto replica = [&](bool has_second) {
    keys::KeyRecord key =
        external_key("us-west-2", {imported("first", true), imported("second", has_second)});
    key.current_material = "first";
    key.pending_material = "second";
    return key;
  };
  EXPECT_EQ(followed(primary, replica(true), StoredState::enabled), StoredState::enabled);
  EXPECT_EQ(followed(primary, replica(false), StoredState::enabled), StoredState::pending_import);
  EXPECT_EQ(followed(primary, replica(false), StoredState::disabled), StoredState::pending_import);
  EXPECT_EQ(followed(primary, replica(false), StoredState::pending_deletion),
            StoredState::pending_deletion);
}

TEST_F(RelatedKeys, EachKeepsWhatIsUnfinishedInItsOwnToken) {
  const auto unfinished = [](const std::string& id) {
    return keys::Material{.id = id,
                          .generations = {{.number = 1, .ref = pkcs11::ObjectMaterial{}}}};
  };
  keys::KeyRecord primary =
      external_key(kHere.region, {imported("first", true), unfinished("here")});
  keys::KeyRecord replica =
      external_key("us-west-2", {imported("first", true), unfinished("there")});
  primary.current_material = replica.current_material = "first";
  replica.state = StoredState::enabled;
  const storage::Change put = storage::Put<keys::KeyRecord>{replica};
  db().commit({&put, 1});
  const auto relatives = stores().following(primary, soon());
  ASSERT_EQ(relatives.size(), 1U);
  EXPECT_EQ(relatives.front().materials, replica.materials);
}

}  // namespace
}  // namespace kms::test
