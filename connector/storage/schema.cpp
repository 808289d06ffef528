#include "connector/storage/schema.h"

#include <array>
#include <string>

#include "connector/storage/metadata_store.h"
#include "connector/storage/sqlite.h"

namespace kms::storage {
namespace {

// Marks the file as ours (it shows in `file` and in PRAGMA application_id): "KMSc".
constexpr std::int64_t kApplicationId = 0x4B4D5363;

// Times are milliseconds since the epoch, UTC. Enumerations are the API's names, or ours in lower
// case. The natural keys are repeated in the child tables so that an operator's query needs no
// join.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  applied INTEGER NOT NULL
) STRICT;

CREATE TABLE key_stores (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  trust_anchor TEXT NOT NULL,
  password_key_kind TEXT NOT NULL,
  password_kek BLOB NOT NULL,
  password_key BLOB NOT NULL,
  password_iv BLOB NOT NULL,
  password_ciphertext BLOB NOT NULL,
  connection_state TEXT NOT NULL,
  connection_error TEXT,
  created INTEGER NOT NULL,
  PRIMARY KEY (account, region, id)
) STRICT;
CREATE UNIQUE INDEX key_stores_by_name ON key_stores (account, region, name);
CREATE UNIQUE INDEX key_stores_by_cluster ON key_stores (account, region, cluster_id)
  WHERE cluster_id <> '';

CREATE TABLE keys (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  spec TEXT NOT NULL,
  usage TEXT NOT NULL,
  origin TEXT NOT NULL,
  description TEXT NOT NULL,
  created INTEGER NOT NULL,
  deletion_date INTEGER,
  custom_key_store_id TEXT,
  policy TEXT NOT NULL,
  current_material TEXT NOT NULL,
  primary_region TEXT,
  last_use_operation TEXT,
  last_use_event_id TEXT,
  last_use_time INTEGER,
  PRIMARY KEY (account, region, id),
  FOREIGN KEY (account, region, custom_key_store_id) REFERENCES key_stores (account, region, id)
) STRICT;
CREATE INDEX keys_by_store ON keys (account, region, custom_key_store_id)
  WHERE custom_key_store_id IS NOT NULL;
CREATE INDEX keys_by_deletion_date ON keys (deletion_date) WHERE deletion_date IS NOT NULL;

CREATE TABLE key_replica_regions (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  replica_region TEXT NOT NULL,
  PRIMARY KEY (account, region, key_id, position),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE materials (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (account, region, key_id, id),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- kind 'wrapped': object_id is the CKA_ID of the key-encryption key, wrapped the material under it;
-- kind 'object': object_id is the CKA_ID of the token object that is the material.
CREATE TABLE generations (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  material_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('wrapped', 'object')),
  key_kind TEXT NOT NULL,
  object_id BLOB NOT NULL CHECK (length(object_id) = 16),
  wrapped BLOB CHECK ((wrapped IS NOT NULL) = (kind = 'wrapped')),
  reserved INTEGER NOT NULL,
  PRIMARY KEY (account, region, key_id, material_id, number),
  FOREIGN KEY (account, region, key_id, material_id)
    REFERENCES materials (account, region, key_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX generations_by_object ON generations (object_id);

CREATE TABLE tags (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  tag_key TEXT NOT NULL,
  tag_value TEXT NOT NULL,
  PRIMARY KEY (account, region, key_id, tag_key),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE aliases (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  target_key_id TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (account, region, name),
  FOREIGN KEY (account, region, target_key_id) REFERENCES keys (account, region, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_target ON aliases (account, region, target_key_id);

CREATE TABLE pin_refusals (
  token_serial TEXT NOT NULL,
  pin_hash BLOB NOT NULL,
  failure INTEGER NOT NULL,
  PRIMARY KEY (token_serial, pin_hash)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a sequence number is never used twice, not even after the outbox was empty.
CREATE TABLE audit_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  line TEXT NOT NULL
) STRICT;
)sql";

// Every kind of key, rotation, imported material, grants. operations are the API's names, parted by
// commas; constraints is the API's GrantConstraints in JSON.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE keys ADD COLUMN pending_window_days INTEGER;
ALTER TABLE keys ADD COLUMN pending_material TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN rotation_period_days INTEGER;
ALTER TABLE keys ADD COLUMN next_rotation INTEGER
  CHECK ((next_rotation IS NULL) = (rotation_period_days IS NULL));
ALTER TABLE keys ADD COLUMN on_demand_rotations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN last_use_request_id TEXT;

ALTER TABLE materials ADD COLUMN rotation_type TEXT;
ALTER TABLE materials ADD COLUMN rotated INTEGER
  CHECK ((rotated IS NULL) = (rotation_type IS NULL));
-- Imported material has a fingerprint; valid_to is NULL where it does not expire.
ALTER TABLE materials ADD COLUMN fingerprint BLOB;
ALTER TABLE materials ADD COLUMN description TEXT;
ALTER TABLE materials ADD COLUMN valid_to INTEGER;

-- SubjectPublicKeyInfo; empty for secret keys.
ALTER TABLE generations ADD COLUMN public_key BLOB NOT NULL DEFAULT X'';

CREATE TABLE grants (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  grantee_principal TEXT NOT NULL,
  retiring_principal TEXT NOT NULL,
  issuing_account TEXT NOT NULL,
  operations TEXT NOT NULL,
  constraints TEXT NOT NULL,
  created INTEGER NOT NULL,
  parent TEXT NOT NULL,
  token_key BLOB NOT NULL,
  PRIMARY KEY (account, region, key_id, id),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX grants_by_name ON grants (account, region, key_id, name, grantee_principal,
  retiring_principal, issuing_account, operations, constraints, parent) WHERE name <> '';
)sql";

// Temporary credentials. A session key is wrapped under the key-encryption key of its Region's
// token.
constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE session_keys (
  region TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  key_kind TEXT NOT NULL,
  kek BLOB NOT NULL CHECK (length(kek) = 16),
  wrapped BLOB NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Invocations reserved of imported material that was deleted.
constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE materials ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::array kMigrations{
    Migration{.version = 1, .sql = kVersion1}, Migration{.version = 2, .sql = kVersion2},
    Migration{.version = 3, .sql = kVersion3}, Migration{.version = 4, .sql = kVersion4}};

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

int schema_version(sqlite3* database, std::span<const Migration> steps) {
  const auto application = sqlite::query_integer(database, "PRAGMA application_id");
  const auto tables = sqlite::query_integer(database, "SELECT count(*) FROM sqlite_schema");
  if (application == 0 && tables == 0) return 0;
  if (application != kApplicationId) {
    throw Error(Fault::corrupt, "this SQLite database was not made by kms-connector");
  }
  const auto version = sqlite::query_integer(database, "SELECT max(version) FROM schema_version");
  const std::int64_t last = steps.back().version;
  if (version > last) {
    throw Error(Fault::newer_schema, "the database has schema " + std::to_string(version) +
                                         " of a later release; this one knows schemas up to " +
                                         std::to_string(last));
  }
  return static_cast<int>(version);
}

void migrate(sqlite3* database, std::span<const Migration> steps) {
  const int version = schema_version(database, steps);
  for (const Migration& step : steps) {
    if (step.version <= version) continue;
    sqlite::Transaction transaction(database);
    sqlite::execute(database, std::string(step.sql));
    sqlite::Statement(database,
                      "INSERT INTO schema_version (version, applied)"
                      " VALUES (?, CAST(strftime('%s', 'now') AS INTEGER) * 1000)")
        .with(std::int64_t{step.version})
        .run();
    sqlite::execute(database, "PRAGMA application_id = " + std::to_string(kApplicationId));
    transaction.commit();
  }
}

}  // namespace kms::storage
