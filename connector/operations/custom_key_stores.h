#pragma once

#include "connector/operations/call.h"

// What the operations on one custom key store have in common.
namespace kms::operations {

/// Names the key store in the audit record, as CloudTrail does.
void note_key_store(Call& call, const keys::KeyStoreRecord& store);

}  // namespace kms::operations
