#pragma once

#include <string>

#include "connector/operations/call.h"

namespace kms::operations {

/// A fresh KeyMaterialId.
[[nodiscard]] std::string make_material_id(Random& random);

/// Destroys the objects of that unfinished material, if the key has it, and takes it out of the
/// record, of which `key` is the latest version; a key that is being created goes with it. As far
/// as token and store can be reached: what stays is the job's (KeyStores::drop_unfinished).
void drop_unfinished(const Context& context, keys::KeyRecord key, const std::string& material_id,
                     pkcs11::Deadline deadline);

/// Makes the last material of the key, which has no generation yet. Where it becomes an object in
/// the token, the record is committed first, as it is given, so that a crash leaves nothing that no
/// record explains; if the token then refuses, it is dropped again.
void make_last_material(const Context& context, keystores::KeyStore& key_store,
                        pkcs11::KeyKind kind, keys::KeyRecord& key, pkcs11::Deadline deadline);

}  // namespace kms::operations
