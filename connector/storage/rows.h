#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "connector/storage/image.h"

struct sqlite3;

namespace kms::storage {

/// All that a database holds, as effects on an empty image; every reference in it is checked.
/// Throws Error{corrupt} for what no release of ours wrote.
[[nodiscard]] std::vector<Effect> load_rows(sqlite3* database);
/// The number the next outbox line gets.
[[nodiscard]] std::int64_t next_outbox_sequence(sqlite3* database);

/// Writes effects to the tables of the current schema, with statements prepared once. To be used
/// inside a transaction. Throws Error{conflict} where a constraint of the schema says no.
class RowWriter {
 public:
  explicit RowWriter(sqlite3* database);
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  RowWriter(RowWriter&&) = delete;
  RowWriter& operator=(RowWriter&&) = delete;

  void write(const Effect& effect);
  /// Deletes the outbox lines up to and including `sequence`.
  void delete_outbox(std::int64_t sequence);

 private:
  struct Statements;
  void write_one(const Replacement<keys::KeyRecord>& change);
  void write_one(const Replacement<keys::AliasRecord>& change);
  void write_one(const Replacement<keys::GrantRecord>& change);
  void write_one(const Replacement<keys::KeyStoreRecord>& change);
  void write_one(const Replacement<keys::SessionKeyRecord>& change);
  void write_one(const RefusalChange& change);
  void write_one(const OutboxLine& line);
  void write_children(const keys::KeyRecord* before, const keys::KeyRecord& after);
  void write_materials(const keys::KeyRecord* before, const keys::KeyRecord& after);
  void write_reserved(const keys::KeyRecord& before, const keys::KeyRecord& after);

  std::unique_ptr<Statements> statements_;
};

}  // namespace kms::storage
