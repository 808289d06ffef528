#pragma once

#include "pkcs11/loaded_module.h"
#include "pkcs11/session.h"

namespace pkcs11 {

/// Finds out what the token can do by doing it, with throw-away session keys in a session of its
/// own. What is refused is a capability less; a token that is not well throws. `key` is an AES-256
/// key to try encryption with where the token makes no session keys; it outlives the probe.
[[nodiscard]] Probed probe(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, const Quirks& quirks,
                           CK_OBJECT_HANDLE key, Deadline deadline);

}  // namespace pkcs11
