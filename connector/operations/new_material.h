#pragma once

#include <string>
#include <vector>

#include "connector/keystores/key_store.h"
#include "connector/storage/metadata_store.h"

namespace kms::operations {

/// Drops what a rotation or an import that a crash or a fault cut short has left: first from the
/// record, in a commit of its own, and only then its object; until the record has moved on,
/// whoever began it might still end well.
void drop_unfinished(storage::MetadataStore& store, keystores::KeyStore& key_store,
                     keys::KeyRecord& key, pkcs11::Deadline deadline);

/// Destroys what the record no longer names. What cannot be destroyed is told in the log.
void destroy_unused(keystores::KeyStore& key_store, const std::vector<keys::Generation>& unused,
                    const std::string& key_arn, pkcs11::Deadline deadline);

/// Makes the last material of the key, which has no generation yet. Where it becomes an object in
/// the token, the record is committed first, as it is given, so that a crash leaves nothing that no
/// record explains; if the token then refuses, the record is put back (erased, if this was its
/// first material).
void make_last_material(storage::MetadataStore& store, keystores::KeyStore& key_store,
                        pkcs11::KeyKind kind, keys::KeyRecord& key, pkcs11::Deadline deadline);

}  // namespace kms::operations
