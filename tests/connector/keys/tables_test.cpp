#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "connector/api/error.h"
#include "connector/api/schema.h"
#include "connector/keys/key_metadata.h"
#include "connector/keys/key_spec.h"
#include "connector/keys/key_state.h"

namespace kms::keys {
namespace {

KeyRecord key_in(StoredState state) {
  KeyRecord key;
  key.scope = {"123456789012", "us-east-1"};
  key.id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  key.state = state;
  return key;
}

std::string outcome(std::string_view operation, StoredState state, bool available = true) {
  try {
    check_state(operation, key_in(state), available, Timestamp{});
  } catch (const api::Error& error) {
    return std::string(error.wire_code()) + ": " + error.message().value_or("(none)");
  }
  return "ok";
}

const std::string kArn =
    "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

TEST(StateTable, NamesOnlyOperationsOfTheModel) {
  for (const StateRow& row : state_table()) {
    EXPECT_NE(api::find_operation(row.operation), nullptr) << row.operation;
  }
}

TEST(StateTable, LendsNoRowToAnOperationWithoutOne) {
  // Before the first row, between two, behind the last.
  for (const std::string operation : {"Aaa", "ListKeys", "Zzz"}) {
    EXPECT_EQ(outcome(operation, StoredState::enabled),
              "KMSInternalException: The key state table has no row for " + operation + ".");
  }
}

TEST(StateTable, HasEachOperationOnAKey) {
  for (const api::OperationInfo& operation : api::operations()) {
    if (std::ranges::find(operation.input->members, "KeyId", &api::Member::name) ==
        operation.input->members.end()) {
      continue;
    }
    EXPECT_NE(std::ranges::find(state_table(), operation.name, &StateRow::operation),
              state_table().end())
        << operation.name;
  }
}

TEST(StateTable, TellsEachRefusalInAwsWords) {
  EXPECT_EQ(outcome("Encrypt", StoredState::enabled), "ok");
  EXPECT_EQ(outcome("Encrypt", StoredState::disabled),
            "DisabledException: " + kArn + " is disabled.");
  EXPECT_EQ(outcome("Encrypt", StoredState::pending_deletion),
            "KMSInvalidStateException: " + kArn + " is pending deletion.");
  EXPECT_EQ(outcome("Encrypt", StoredState::pending_import),
            "KMSInvalidStateException: " + kArn + " is pending import.");
  EXPECT_EQ(outcome("Encrypt", StoredState::enabled, false),
            "KMSInvalidStateException: " + kArn + " is unavailable.");
  EXPECT_EQ(outcome("Encrypt", StoredState::creating),
            "KMSInvalidStateException: " + kArn + " is creating.");
  EXPECT_EQ(outcome("CancelKeyDeletion", StoredState::enabled),
            "KMSInvalidStateException: " + kArn +
                " is not pending deletion (or pending replica deletion).");
  EXPECT_EQ(outcome("EnableKeyRotation", StoredState::pending_import),
            "UnsupportedOperationException: " + kArn +
                " origin is AWS_KMS which is not valid for this operation.");
}

TEST(StateTable, APendingDeletionNeverShowsAsUnavailable) {
  EXPECT_EQ(visible_state(key_in(StoredState::pending_deletion), false, Timestamp{}),
            api::KeyState::pending_deletion);
  EXPECT_EQ(outcome("CancelKeyDeletion", StoredState::pending_deletion, false), "ok");
}

TEST(StateTable, ManagementWorksWhileTheStoreIsDisconnected) {
  for (const char* operation : {"EnableKey", "DisableKey", "TagResource", "UpdateKeyDescription",
                                "ScheduleKeyDeletion", "CreateAlias", "DescribeKey"}) {
    EXPECT_EQ(outcome(operation, StoredState::enabled, false), "ok") << operation;
  }
}

TEST(KeySpecTable, HasEachSpecOnce) {
  std::set<api::KeySpec> seen;
  for (const KeySpecRow& row : key_specs()) EXPECT_TRUE(seen.insert(row.spec).second);
  EXPECT_EQ(seen.size(), api::enum_size<api::KeySpec>);
}

TEST(KeySpecTable, EachUsageHasItsAlgorithms) {
  for (const KeySpecRow& row : key_specs()) {
    EXPECT_EQ(allows(row, api::KeyUsageType::encrypt_decrypt), !row.encryption.empty());
    EXPECT_EQ(allows(row, api::KeyUsageType::sign_verify), !row.signing.empty());
    EXPECT_EQ(allows(row, api::KeyUsageType::generate_verify_mac), !row.mac.empty());
    EXPECT_EQ(allows(row, api::KeyUsageType::key_agreement), !row.agreement.empty());
  }
}

TEST(KeyMetadata, OfAFreshSymmetricKeyHasExactlyTheRecordedMembers) {
  KeyRecord key = key_in(StoredState::enabled);
  key.description = "test key 123";
  key.current_material = std::string(64, 'a');
  const api::KeyMetadata metadata = key_metadata(key, true, "", Timestamp{});
  api::KeyMetadata expected;
  expected.aws_account_id = "123456789012";
  expected.key_id = key.id;
  expected.arn = kArn;
  expected.creation_date = Timestamp{};
  expected.enabled = true;
  expected.description = "test key 123";
  expected.key_usage = api::KeyUsageType::encrypt_decrypt;
  expected.key_state = api::KeyState::enabled;
  expected.origin = api::OriginType::aws_kms;
  expected.key_manager = api::KeyManagerType::customer;
  expected.customer_master_key_spec = api::CustomerMasterKeySpec::symmetric_default;
  expected.key_spec = api::KeySpec::symmetric_default;
  expected.encryption_algorithms = {{api::EncryptionAlgorithmSpec::symmetric_default}};
  expected.multi_region = false;
  expected.current_key_material_id = std::string(64, 'a');
  EXPECT_EQ(metadata, expected);
}

TEST(KeyMetadata, OfACustomKeyStoreNamesStoreAndClusterAndNoMaterial) {
  KeyRecord key = key_in(StoredState::enabled);
  key.origin = api::OriginType::aws_cloudhsm;
  key.custom_key_store_id = "cks-1234567890abcdef0";
  key.current_material = std::string(64, 'a');
  const api::KeyMetadata metadata = key_metadata(key, false, "cluster-abcdefg2345", Timestamp{});
  EXPECT_EQ(metadata.custom_key_store_id, "cks-1234567890abcdef0");
  EXPECT_EQ(metadata.cloud_hsm_cluster_id, "cluster-abcdefg2345");
  EXPECT_EQ(metadata.key_state, api::KeyState::unavailable);
  EXPECT_EQ(metadata.enabled, false);
  EXPECT_FALSE(metadata.current_key_material_id);
}

}  // namespace
}  // namespace kms::keys
