#pragma once

#include <span>
#include <string_view>

#include "connector/api/shapes.h"
#include "connector/keys/records.h"

// THE table of what each operation answers for a key in each state (Developer Guide, "Key states of
// AWS KMS keys").
namespace kms::keys {

/// What a state does to an operation.
enum class StateRule : std::uint8_t {
  ok,
  disabled,          // DisabledException "<arn> is disabled."
  pending_deletion,  // KMSInvalidStateException "<arn> is pending deletion."
  not_pending,       // KMSInvalidStateException "<arn> is not pending deletion (or pending replica
                     // deletion)."
  pending_import,    // KMSInvalidStateException "<arn> is pending import."
  unavailable,       // KMSInvalidStateException "<arn> is unavailable."
  creating,          // KMSInvalidStateException "<arn> is creating."
  updating,          // KMSInvalidStateException "<arn> is updating."
  wrong_origin,      // UnsupportedOperationException "<arn> origin is X which is not valid for this
                     // operation."
};

struct StateRow {
  std::string_view operation;
  StateRule enabled, disabled, pending_deletion, pending_import, unavailable, creating, updating;
};

/// One row an operation that takes an existing key.
std::span<const StateRow> state_table();

/// The state that callers see: PendingImport hides Enabled and Disabled once material has expired,
/// Unavailable while the key store is not connected.
api::KeyState visible_state(const KeyRecord& key, bool available, Timestamp now);

/// UnsupportedOperationException "<arn> origin is X which is not valid for this operation."
[[noreturn]] void refuse_origin(const KeyRecord& key);

/// Throws what the table says; `operation` must be in it.
void check_state(std::string_view operation, const KeyRecord& key, bool available, Timestamp now);

}  // namespace kms::keys
