#include <gtest/gtest.h>

#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

constexpr const char* kHere = "us-east-1";
constexpr const char* kThere = "us-west-2";
const std::string kNew = std::string(kForever) + R"(,"ImportType":"NEW_KEY_MATERIAL")";

/// Imported material and rotations, in one Region or two.
class ImportRotation : public ServiceTest {
 protected:
  static Answer in(const std::string& region, std::string_view operation, const std::string& body) {
    return kms().call(operation, body, admin(), region);
  }
  static Answer import_in(const std::string& region, const std::string& id, ByteView material,
                          const std::string& more = kForever) {
    const Answer got =
        in(region, "GetParametersForImport", parameters_body(id, "RSAES_OAEP_SHA_256"));
    const Bytes encrypted =
        wrap_for_import(bytes_at(got, "PublicKey"), pkcs11::ImportScheme::oaep_sha256, material);
    return in(region, "ImportKeyMaterial",
              import_body(id, bytes_at(got, "ImportToken"), encrypted, more));
  }
  static std::string state(const std::string& region, const std::string& id) {
    return in(region, "DescribeKey", id_of(id)).at("KeyMetadata.KeyState");
  }
  static std::string current(const std::string& region, const std::string& id) {
    return in(region, "DescribeKey", id_of(id)).at("KeyMetadata.CurrentKeyMaterialId");
  }
  static std::string encrypt(const std::string& id) {
    return kms()
        .ok("Encrypt", "{\"KeyId\":\"" + id + R"(","Plaintext":"bQ=="})")
        .at("CiphertextBlob");
  }
  static std::string decrypt(const std::string& region, const std::string& id,
                             const std::string& blob) {
    const Answer opened =
        in(region, "Decrypt", "{\"KeyId\":\"" + id + R"(","CiphertextBlob":")" + blob + "\"}");
    return opened.status == 200 ? opened.at("Plaintext") : opened.outcome();
  }
  static Answer materials(const std::string& region, const std::string& id) {
    return in(region, "ListKeyRotations",
              "{\"KeyId\":\"" + id + R"(","IncludeKeyMaterial":"ALL_KEY_MATERIAL"})");
  }
  static std::string one_material(const std::string& id, const std::string& material_id) {
    return "{\"KeyId\":\"" + id + R"(","KeyMaterialId":")" + material_id + "\"}";
  }
  static std::string rotate(const std::string& id) {
    return kms().call("RotateKeyOnDemand", id_of(id)).outcome();
  }
};

TEST_F(ImportRotation, NeedsEachMaterialThatWasCurrent) {
  const std::string id = kms().create_key(R"({"Origin":"EXTERNAL"})");
  const Bytes first = random_bytes(32);
  const std::string first_id = import_in(kHere, id, first).at("KeyMaterialId");
  const std::string none =
      "400 KMSInvalidStateException: No available key material pending "
      "rotation for the key: " +
      kms().arn(id) + ".";
  EXPECT_EQ(rotate(id), none);
  const std::string old = encrypt(id);
  const std::string second_id = import_in(kHere, id, random_bytes(32), kNew).at("KeyMaterialId");
  EXPECT_EQ(current(kHere, id), first_id);
  EXPECT_EQ(rotate(id), "200");
  EXPECT_EQ(rotate(id), none);
  EXPECT_EQ(current(kHere, id), second_id);
  EXPECT_EQ(decrypt(kHere, id, old), "bQ==");

  kms().ok("DeleteImportedKeyMaterial", one_material(id, first_id));
  EXPECT_EQ(state(kHere, id), "PendingImport");
  EXPECT_EQ(materials(kHere, id).at("Rotations.0.ImportState"), "PENDING_IMPORT");
  ASSERT_EQ(import_in(kHere, id, first,
                      std::string(kForever) + R"(,"KeyMaterialDescription":"the first")")
                .at("KeyMaterialId"),
            first_id);
  EXPECT_EQ(state(kHere, id), "Enabled");
  EXPECT_EQ(current(kHere, id), second_id);
  EXPECT_EQ(decrypt(kHere, id, old), "bQ==");
  const Answer listed = materials(kHere, id);
  EXPECT_EQ(listed.at("Rotations.0.KeyMaterialDescription"), "the first");
  EXPECT_EQ(listed.at("Rotations.0.ImportState"), "IMPORTED");
  EXPECT_EQ(listed.at("Rotations.0.KeyMaterialState"), "NON_CURRENT");
  EXPECT_EQ(listed.at("Rotations.1.KeyMaterialState"), "CURRENT");
}

TEST_F(ImportRotation, EachRegionHasTheSameMaterialImported) {
  const std::string id = kms().create_key(R"({"Origin":"EXTERNAL","MultiRegion":true})");
  const Bytes first = random_bytes(32);
  const std::string first_id = import_in(kHere, id, first).at("KeyMaterialId");
  const std::string blob = encrypt(id);
  kms().ok("ReplicateKey", "{\"KeyId\":\"" + id + R"(","ReplicaRegion":"us-west-2"})");
  EXPECT_EQ(state(kThere, id), "PendingImport");
  EXPECT_EQ(import_in(kThere, id, first, kNew).outcome(),
            "400 UnsupportedOperationException: arn:aws:kms:us-west-2:" + std::string(kAccount) +
                ":key/" + id + " is not a multi-region primary key.");
  EXPECT_EQ(import_in(kThere, id, random_bytes(32)).outcome(),
            "400 IncorrectKeyMaterialException: -");
  EXPECT_EQ(import_in(kThere, id, first).at("KeyMaterialId"), first_id);
  EXPECT_EQ(state(kThere, id), "Enabled");
  EXPECT_EQ(decrypt(kThere, id, blob), "bQ==");

  const Bytes second = random_bytes(32);
  const std::string second_id = import_in(kHere, id, second, kNew).at("KeyMaterialId");
  for (const char* region : {kHere, kThere}) {
    EXPECT_EQ(materials(region, id).at("Rotations.1.KeyMaterialState"),
              "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    EXPECT_EQ(state(region, id), "Enabled");
  }
  EXPECT_EQ(rotate(id).substr(0, 76),
            "400 KMSInvalidStateException: No available key material pending rotation for");
  EXPECT_EQ(import_in(kThere, id, second).at("KeyMaterialId"), second_id);
  EXPECT_EQ(materials(kHere, id).at("Rotations.1.KeyMaterialState"), "PENDING_ROTATION");
  EXPECT_EQ(rotate(id), "200");
  EXPECT_EQ(current(kHere, id), second_id);
  EXPECT_EQ(current(kThere, id), second_id);
  EXPECT_EQ(decrypt(kThere, id, encrypt(id)), "bQ==");

  ASSERT_EQ(in(kThere, "DeleteImportedKeyMaterial", one_material(id, first_id)).outcome(), "200");
  EXPECT_EQ(state(kThere, id), "PendingImport");
  EXPECT_EQ(state(kHere, id), "Enabled");
}

TEST_F(ImportRotation, MaterialThatThePrimaryForgetsItsReplicasForget) {
  const std::string id = kms().create_key(R"({"Origin":"EXTERNAL","MultiRegion":true})");
  const Bytes first = random_bytes(32);
  const Bytes second = random_bytes(32);
  ASSERT_EQ(import_in(kHere, id, first).outcome(), "200");
  kms().ok("ReplicateKey", "{\"KeyId\":\"" + id + R"(","ReplicaRegion":"us-west-2"})");
  ASSERT_EQ(import_in(kThere, id, first).outcome(), "200");
  const std::string second_id = import_in(kHere, id, second, kNew).at("KeyMaterialId");
  ASSERT_EQ(import_in(kThere, id, second).outcome(), "200");

  // The replica's own deletion leaves it to be imported again.
  ASSERT_EQ(in(kThere, "DeleteImportedKeyMaterial", one_material(id, second_id)).outcome(), "200");
  EXPECT_EQ(state(kThere, id), "Enabled");
  EXPECT_EQ(materials(kThere, id).json["Rotations"].Size(), 2U);
  ASSERT_EQ(import_in(kThere, id, second).outcome(), "200");

  kms().ok("DeleteImportedKeyMaterial", one_material(id, second_id));
  EXPECT_EQ(materials(kHere, id).json["Rotations"].Size(), 1U);
  EXPECT_EQ(materials(kThere, id).json["Rotations"].Size(), 1U);
  EXPECT_EQ(state(kThere, id), "Enabled");
}

TEST_F(ImportRotation, APrimaryForgetsPendingMaterialThatItNeverHeld) {
  const std::string id = kms().create_key(R"({"Origin":"EXTERNAL","MultiRegion":true})");
  const Bytes first = random_bytes(32);
  ASSERT_EQ(import_in(kHere, id, first).outcome(), "200");
  kms().ok("ReplicateKey", "{\"KeyId\":\"" + id + R"(","ReplicaRegion":"us-west-2"})");
  ASSERT_EQ(import_in(kThere, id, first).outcome(), "200");
  const std::string second_id = import_in(kHere, id, random_bytes(32), kNew).at("KeyMaterialId");
  kms().ok("UpdatePrimaryRegion", "{\"KeyId\":\"" + id + R"(","PrimaryRegion":"us-west-2"})");
  ASSERT_EQ(materials(kThere, id).at("Rotations.1.ImportState"), "PENDING_IMPORT");

  ASSERT_EQ(in(kThere, "DeleteImportedKeyMaterial", one_material(id, second_id)).outcome(), "200");
  for (const char* region : {kHere, kThere}) {
    EXPECT_EQ(materials(region, id).json["Rotations"].Size(), 1U) << region;
    EXPECT_EQ(state(region, id), "Enabled") << region;
  }
  EXPECT_EQ(import_in(kThere, id, random_bytes(32), kNew).outcome(), "200");
}

}  // namespace
}  // namespace kms::test
