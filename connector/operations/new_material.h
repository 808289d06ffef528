#pragma once

#include "connector/keystores/key_store.h"
#include "connector/storage/metadata_store.h"

namespace kms::operations {

/// Makes the last material of the key, which has no generation yet. Where it becomes an object in
/// the token, the record is committed first, as it is given, so that a crash leaves nothing that no
/// record explains; if the token then refuses, the record is put back (erased, if this was its
/// first material).
void make_last_material(storage::MetadataStore& store, keystores::KeyStore& key_store,
                        pkcs11::KeyKind kind, keys::KeyRecord& key, pkcs11::Deadline deadline);

}  // namespace kms::operations
