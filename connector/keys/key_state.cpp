#include "connector/keys/key_state.h"

#include <algorithm>
#include <array>
#include <string>

#include "connector/api/error.h"
#include "connector/keys/imported_material.h"

namespace kms::keys {
namespace {

using enum StateRule;

constexpr StateRule kP = pending_deletion;
constexpr StateRule kI = pending_import;
constexpr StateRule kU = unavailable;
constexpr StateRule kC = creating;
constexpr StateRule kO = wrong_origin;

// Sorted by name. Columns: Enabled, Disabled, PendingDeletion (and PendingReplicaDeletion),
// PendingImport, Unavailable, Creating, Updating.
constexpr std::array kTable{
    StateRow{"CancelKeyDeletion", not_pending, not_pending, ok, not_pending, not_pending,
             not_pending, not_pending},
    StateRow{"CreateAlias", ok, ok, kP, ok, ok, ok, ok},
    StateRow{"CreateGrant", ok, disabled, kP, kI, ok, kC, ok},
    StateRow{"Decrypt", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"DeleteAlias", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"DeleteImportedKeyMaterial", ok, ok, ok, ok, kO, kC, updating},
    StateRow{"DeriveSharedSecret", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"DescribeKey", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"DisableKey", ok, ok, kP, kI, ok, kC, updating},
    StateRow{"DisableKeyRotation", ok, disabled, kP, kO, kO, kC, ok},
    StateRow{"EnableKey", ok, ok, kP, kI, ok, kC, updating},
    StateRow{"EnableKeyRotation", ok, disabled, kP, kO, kO, kC, ok},
    StateRow{"Encrypt", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GenerateDataKey", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GenerateDataKeyPair", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GenerateDataKeyPairWithoutPlaintext", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GenerateDataKeyWithoutPlaintext", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GenerateMac", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"GetKeyLastUsage", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"GetKeyPolicy", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"GetKeyRotationStatus", ok, ok, ok, ok, kO, ok, ok},
    StateRow{"GetParametersForImport", ok, ok, kP, ok, kO, kC, updating},
    StateRow{"GetPublicKey", ok, ok, kP, kI, kU, kC, ok},
    StateRow{"ImportKeyMaterial", ok, ok, kP, ok, kO, kC, ok},
    StateRow{"ListAliases", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"ListGrants", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"ListKeyPolicies", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"ListKeyRotations", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"ListResourceTags", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"PutKeyPolicy", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"ReEncrypt", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"ReplicateKey", ok, disabled, kP, kI, kU, kC, updating},
    StateRow{"RetireGrant", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"RevokeGrant", ok, ok, ok, ok, ok, ok, ok},
    StateRow{"RotateKeyOnDemand", ok, disabled, kP, kI, kO, kC, updating},
    StateRow{"ScheduleKeyDeletion", ok, ok, kP, ok, ok, ok, updating},
    StateRow{"Sign", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"TagResource", ok, ok, kP, ok, ok, ok, ok},
    StateRow{"UntagResource", ok, ok, kP, ok, ok, ok, ok},
    StateRow{"UpdateAlias", ok, ok, kP, ok, ok, ok, ok},
    StateRow{"UpdateKeyDescription", ok, ok, kP, ok, ok, ok, ok},
    StateRow{"UpdatePrimaryRegion", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"Verify", ok, disabled, kP, kI, kU, kC, ok},
    StateRow{"VerifyMac", ok, disabled, kP, kI, kU, kC, ok},
};
static_assert(std::ranges::is_sorted(kTable, {}, &StateRow::operation));

StateRule rule_of(const StateRow& row, api::KeyState state) {
  switch (state) {
    case api::KeyState::creating:
      return row.creating;
    case api::KeyState::enabled:
      return row.enabled;
    case api::KeyState::disabled:
      return row.disabled;
    case api::KeyState::pending_deletion:
    case api::KeyState::pending_replica_deletion:
      return row.pending_deletion;
    case api::KeyState::pending_import:
      return row.pending_import;
    case api::KeyState::unavailable:
      return row.unavailable;
    case api::KeyState::updating:
      return row.updating;
  }
  return StateRule::unavailable;
}

[[noreturn]] void refuse(StateRule rule, const KeyRecord& key) {
  using api::ErrorCode;
  const std::string arn = key.arn();
  switch (rule) {
    case disabled:
      throw api::Error(ErrorCode::disabled, arn + " is disabled.");
    case pending_deletion:
      throw api::Error(ErrorCode::kms_invalid_state, arn + " is pending deletion.");
    case not_pending:
      throw api::Error(ErrorCode::kms_invalid_state,
                       arn + " is not pending deletion (or pending replica deletion).");
    case pending_import:
      throw api::Error(ErrorCode::kms_invalid_state, arn + " is pending import.");
    case unavailable:
      throw api::Error(ErrorCode::kms_invalid_state, arn + " is unavailable.");
    case creating:
      throw api::Error(ErrorCode::kms_invalid_state, arn + " is creating.");
    case updating:
      throw api::Error(ErrorCode::kms_invalid_state, arn + " is updating.");
    case wrong_origin:
      refuse_origin(key);
    case ok:
      break;
  }
  throw api::Error(ErrorCode::kms_internal, "The key state table has no refusal for this state.");
}

}  // namespace

void refuse_origin(const KeyRecord& key) {
  throw api::unsupported_operation(key.arn() + " origin is " +
                                   std::string(api::to_string(key.origin)) +
                                   " which is not valid for this operation.");
}

std::span<const StateRow> state_table() { return kTable; }

api::KeyState visible_state(const KeyRecord& key, bool available, Timestamp now) {
  switch (key.state) {
    case StoredState::creating:
      return api::KeyState::creating;
    case StoredState::enabled:
    case StoredState::disabled:
      if (has_expired_material(key, now)) return api::KeyState::pending_import;
      if (!available) return api::KeyState::unavailable;
      return key.state == StoredState::enabled ? api::KeyState::enabled : api::KeyState::disabled;
    case StoredState::pending_replica_deletion:
      return api::KeyState::pending_replica_deletion;
    case StoredState::pending_import:
      return api::KeyState::pending_import;
    case StoredState::pending_deletion:
    case StoredState::deleting:
      return api::KeyState::pending_deletion;
  }
  return api::KeyState::unavailable;
}

void check_state(std::string_view operation, const KeyRecord& key, bool available, Timestamp now) {
  const auto* row = std::ranges::lower_bound(kTable, operation, {}, &StateRow::operation);
  if (row == kTable.end() || row->operation != operation) {
    throw api::internal_error("The key state table has no row for " + std::string(operation) + ".");
  }
  const StateRule rule = rule_of(*row, visible_state(key, available, now));
  if (rule != ok) refuse(rule, key);
}

}  // namespace kms::keys
