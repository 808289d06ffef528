#pragma once

#include <vector>

#include "connector/operations/call.h"

namespace kms::operations {

/// Whether the spec can rotate; the origin is another question.
inline bool rotates(const keys::KeyRecord& key) {
  return key.spec == api::KeySpec::symmetric_default;
}
/// UnsupportedOperationException without a message, for keys that are not symmetric encryption
/// keys.
void check_rotates(const keys::KeyRecord& key);

/// Makes the key's next material its current one: a new one from the token, or the imported one
/// that waits. What is to be committed with it, the RotateKey event included. Throws api::Error;
/// storage::Error{conflict} if somebody else changed the key meanwhile.
std::vector<storage::Change> rotate(const Context& context, keys::KeyRecord key,
                                    api::RotationType type, pkcs11::Deadline deadline);

}  // namespace kms::operations
