#pragma once

#include <memory>
#include <string>

#include "connector/storage/metadata_store.h"

namespace kms::storage {

/// Opens (makes, migrates) the SQLite database at `path`, mode 0600, WAL and full sync. One process
/// at a time: Error{unavailable} if another holds it.
std::unique_ptr<MetadataStore> open_sqlite(const std::string& path);

/// What is in the database now, also while a daemon holds it, which does not notice. Nothing is
/// made, migrated or locked out.
std::unique_ptr<const MetadataStore> open_sqlite_snapshot(const std::string& path);

}  // namespace kms::storage
