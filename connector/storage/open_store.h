#pragma once

#include <memory>
#include <string>

#include "connector/storage/metadata_store.h"

namespace kms::storage {

/// Opens (makes, migrates) the SQLite database at `path`, mode 0600, WAL and full sync. One process
/// at a time: Error{unavailable} if another holds it.
std::unique_ptr<MetadataStore> open_sqlite(const std::string& path);

}  // namespace kms::storage
