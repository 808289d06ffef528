#pragma once

#include <span>
#include <string_view>

struct sqlite3;

namespace kms::storage {

/// One step of the schema, from the version below it.
struct Migration {
  int version = 0;
  std::string_view sql;
};

/// All steps, ascending from 1. A released step never changes: tests open a database of each
/// earlier version.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// The step the database is at, 0 for an empty one. Throws Error{newer_schema} for a database of a
/// later release, Error{corrupt} for one that is not ours.
[[nodiscard]] int schema_version(sqlite3* database, std::span<const Migration> steps);

/// Brings the database to the last step, each step in a transaction of its own. Throws
/// Error{newer_schema} for a database of a later release, Error{corrupt} for one that is not ours.
void migrate(sqlite3* database, std::span<const Migration> steps);

}  // namespace kms::storage
