#include <algorithm>
#include <set>
#include <utility>

#include "connector/api/decode.h"
#include "connector/storage/row_values.h"
#include "connector/storage/rows.h"
#include "connector/storage/sqlite.h"

namespace kms::storage {
namespace {

[[noreturn]] void corrupt(const std::string& text) { throw Error(Fault::corrupt, text); }

template <class Enum>
Enum enumerator(const std::string& name) {
  const auto value = api::from_string<Enum>(name);
  if (!value) corrupt("the database holds the unknown name " + name);
  return *value;
}

pkcs11::ObjectId object_id(const Bytes& bytes) {
  pkcs11::ObjectId id{};
  if (bytes.size() != id.size()) corrupt("the database holds an object id of a wrong length");
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

Scope scope_of(const sqlite::Statement& row) {
  return {.account = row.text(0), .region = row.text(1)};
}

std::vector<keys::KeyRecord> load_keys(sqlite3* database) {
  std::vector<keys::KeyRecord> records;
  sqlite::Statement row(
      database,
      "SELECT account, region, id, version, state, spec, usage, origin, description, created,"
      " deletion_date, custom_key_store_id, policy, current_material, primary_region,"
      " last_use_operation, last_use_event_id, last_use_time, last_use_request_id,"
      " pending_window_days, pending_material, rotation_period_days, next_rotation,"
      " on_demand_rotations FROM keys ORDER BY account, region, id");
  while (row.step()) {
    keys::KeyRecord& key = records.emplace_back();
    key.scope = scope_of(row);
    key.id = row.text(2);
    key.version = static_cast<std::uint64_t>(row.integer(3));
    key.state = value_in(kStateNames, row.text(4));
    key.spec = enumerator<api::KeySpec>(row.text(5));
    key.usage = enumerator<api::KeyUsageType>(row.text(6));
    key.origin = enumerator<api::OriginType>(row.text(7));
    key.description = row.text(8);
    key.created = timestamp(row.integer(9));
    if (!row.is_null(10)) key.deletion_date = timestamp(row.integer(10));
    key.custom_key_store_id = row.text(11);
    key.policy = row.text(12);
    key.current_material = row.text(13);
    if (!row.is_null(14)) key.multi_region = keys::MultiRegion{.primary_region = row.text(14)};
    if (!row.is_null(17)) {
      key.last_use = keys::LastUse{.operation = row.text(15),
                                   .event_id = row.text(16),
                                   .request_id = row.text(18),
                                   .time = timestamp(row.integer(17))};
    }
    if (!row.is_null(19)) key.pending_window_days = static_cast<std::int32_t>(row.integer(19));
    key.pending_material = row.text(20);
    if (!row.is_null(21)) {
      key.rotation =
          keys::AutomaticRotation{.period_days = static_cast<std::int32_t>(row.integer(21)),
                                  .next = timestamp(row.integer(22))};
    }
    key.on_demand_rotations = static_cast<std::uint32_t>(row.integer(23));
  }
  return records;
}

/// Hands each row of a child table to its key; both are in the order of the key.
template <class Add>
void load_children(std::vector<keys::KeyRecord>& records, sqlite3* database, std::string_view sql,
                   Add add) {
  auto key = records.begin();
  sqlite::Statement row(database, sql);
  while (row.step()) {
    const Scope scope = scope_of(row);
    const std::string key_id = row.text(2);
    while (key != records.end() && record_id(*key) < record_id(scope, key_id)) ++key;
    if (key == records.end() || record_id(*key) != record_id(scope, key_id)) {
      corrupt("the database holds a row of the missing key " + key_id);
    }
    add(*key, row);
  }
}

keys::Generation generation_of(const sqlite::Statement& row) {
  const auto kind = value_in(kKeyKindNames, row.text(6));
  const auto id = object_id(row.blob(7));
  keys::Generation generation;
  generation.number = static_cast<std::uint32_t>(row.integer(4));
  generation.reserved = static_cast<std::uint64_t>(row.integer(9));
  if (row.text(5) == "wrapped") {
    generation.ref = pkcs11::WrappedMaterial{
        .kind = kind, .kek = id, .blob = row.blob(8), .public_key = row.blob(10)};
  } else {
    generation.ref = pkcs11::ObjectMaterial{.kind = kind, .id = id, .public_key = row.blob(10)};
  }
  return generation;
}

keys::Material material_of(const sqlite::Statement& row) {
  keys::Material material;
  material.id = row.text(3);
  material.created = timestamp(row.integer(4));
  if (!row.is_null(5)) {
    material.rotated_in = keys::RotatedIn{.type = enumerator<api::RotationType>(row.text(5)),
                                          .time = timestamp(row.integer(6))};
  }
  if (!row.is_null(7)) {
    material.imported =
        keys::Imported{.fingerprint = row.blob(7), .description = row.text(8), .valid_to = {}};
    if (!row.is_null(9)) material.imported->valid_to = timestamp(row.integer(9));
    material.imported->reserved = static_cast<std::uint64_t>(row.integer(10));
  }
  return material;
}

void load_materials(std::vector<keys::KeyRecord>& records, sqlite3* database) {
  load_children(
      records, database,
      "SELECT account, region, key_id, id, created, rotation_type, rotated, fingerprint,"
      " description, valid_to, reserved FROM materials ORDER BY account, region, key_id, position",
      [](keys::KeyRecord& key, const sqlite::Statement& row) {
        key.materials.push_back(material_of(row));
      });
  load_children(
      records, database,
      "SELECT account, region, key_id, material_id, number, kind, key_kind, object_id,"
      " wrapped, reserved, public_key FROM generations ORDER BY account, region, key_id, position",
      [](keys::KeyRecord& key, const sqlite::Statement& row) {
        const std::string id = row.text(3);
        const auto material =
            std::find_if(key.materials.begin(), key.materials.end(),
                         [&id](const auto& candidate) { return candidate.id == id; });
        if (material == key.materials.end()) {
          corrupt("the database holds a generation of a missing material of key " + key.id);
        }
        material->generations.push_back(generation_of(row));
      });
}

void load_lists(std::vector<keys::KeyRecord>& records, sqlite3* database) {
  load_children(records, database,
                "SELECT account, region, key_id, tag_key, tag_value FROM tags"
                " ORDER BY account, region, key_id, position",
                [](keys::KeyRecord& key, const sqlite::Statement& row) {
                  key.tags.push_back({.key = row.text(3), .value = row.text(4)});
                });
  load_children(records, database,
                "SELECT account, region, key_id, replica_region FROM key_replica_regions"
                " ORDER BY account, region, key_id, position",
                [](keys::KeyRecord& key, const sqlite::Statement& row) {
                  if (!key.multi_region) {
                    corrupt("the database holds a replica of the single-Region key " + key.id);
                  }
                  key.multi_region->replica_regions.push_back(row.text(3));
                });
}

std::vector<keys::AliasRecord> load_aliases(sqlite3* database) {
  std::vector<keys::AliasRecord> records;
  sqlite::Statement row(database,
                        "SELECT account, region, name, version, target_key_id, created, updated"
                        " FROM aliases");
  while (row.step()) {
    records.push_back({.scope = scope_of(row),
                       .name = row.text(2),
                       .version = static_cast<std::uint64_t>(row.integer(3)),
                       .target_key_id = row.text(4),
                       .created = timestamp(row.integer(5)),
                       .updated = timestamp(row.integer(6))});
  }
  return records;
}

std::vector<api::GrantOperation> operations_of(std::string_view names) {
  std::vector<api::GrantOperation> operations;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    operations.push_back(enumerator<api::GrantOperation>(std::string(name)));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return operations;
}

api::GrantConstraints constraints_of(std::string json) {
  try {
    return api::decode<api::GrantConstraints>(json);
  } catch (const api::Error& e) {
    corrupt(std::string("the database holds grant constraints that are none: ") + e.what());
  }
}

std::vector<keys::GrantRecord> load_grants(sqlite3* database) {
  std::vector<keys::GrantRecord> records;
  sqlite::Statement row(database,
                        "SELECT account, region, key_id, id, version, name, grantee_principal,"
                        " retiring_principal, issuing_account, operations, constraints, created,"
                        " parent, token_key FROM grants");
  while (row.step()) {
    records.push_back({.scope = scope_of(row),
                       .key_id = row.text(2),
                       .id = row.text(3),
                       .version = static_cast<std::uint64_t>(row.integer(4)),
                       .name = row.text(5),
                       .grantee_principal = row.text(6),
                       .retiring_principal = row.text(7),
                       .issuing_account = row.text(8),
                       .operations = operations_of(row.text(9)),
                       .constraints = constraints_of(row.text(10)),
                       .created = timestamp(row.integer(11)),
                       .parent = row.text(12),
                       .token_key = row.blob(13)});
  }
  return records;
}

std::vector<keys::KeyStoreRecord> load_key_stores(sqlite3* database) {
  std::vector<keys::KeyStoreRecord> records;
  sqlite::Statement row(
      database,
      "SELECT account, region, id, version, name, type, cluster_id, trust_anchor,"
      " password_key_kind, password_kek, password_key, password_iv, password_ciphertext,"
      " connection_state, connection_error, created FROM key_stores");
  while (row.step()) {
    keys::KeyStoreRecord& store = records.emplace_back();
    store.scope = scope_of(row);
    store.id = row.text(2);
    store.version = static_cast<std::uint64_t>(row.integer(3));
    store.name = row.text(4);
    store.type = enumerator<api::CustomKeyStoreType>(row.text(5));
    store.cluster_id = row.text(6);
    store.trust_anchor = row.text(7);
    store.password.key = {.kind = value_in(kKeyKindNames, row.text(8)),
                          .kek = object_id(row.blob(9)),
                          .blob = row.blob(10)};
    store.password.iv = row.blob(11);
    store.password.ciphertext = row.blob(12);
    store.state = enumerator<api::ConnectionStateType>(row.text(13));
    if (!row.is_null(14)) store.error = enumerator<api::ConnectionErrorCodeType>(row.text(14));
    store.created = timestamp(row.integer(15));
  }
  return records;
}

std::vector<keys::SessionKeyRecord> load_session_keys(sqlite3* database) {
  std::vector<keys::SessionKeyRecord> records;
  sqlite::Statement row(
      database, "SELECT region, version, key_kind, kek, wrapped, created FROM session_keys");
  while (row.step()) {
    keys::SessionKeyRecord& record = records.emplace_back();
    record.region = row.text(0);
    record.version = static_cast<std::uint64_t>(row.integer(1));
    record.key.kind = value_in(kKeyKindNames, row.text(2));
    record.key.kek = object_id(row.blob(3));
    record.key.blob = row.blob(4);
    record.created = timestamp(row.integer(5));
  }
  return records;
}

std::vector<RefusalChange> load_refusals(sqlite3* database) {
  std::vector<RefusalChange> records;
  sqlite::Statement row(database, "SELECT token_serial, pin_hash, failure FROM pin_refusals");
  while (row.step()) {
    records.push_back({.record = {.token_serial = row.text(0),
                                  .pin_hash = row.blob(1),
                                  .failure = static_cast<std::uint8_t>(row.integer(2))},
                       .present = true});
  }
  return records;
}

/// SQLite checks references as rows are written, but an operator's hand in the file need not have
/// asked it to.
void check_references(const std::vector<keys::KeyRecord>& records,
                      const std::vector<keys::AliasRecord>& aliases,
                      const std::vector<keys::GrantRecord>& grants,
                      const std::vector<keys::KeyStoreRecord>& stores) {
  std::set<RecordId> known;
  for (const auto& store : stores) known.insert(record_id(store));
  for (const auto& key : records) {
    if (!key.custom_key_store_id.empty() &&
        !known.contains(record_id(key.scope, key.custom_key_store_id))) {
      corrupt("the database holds the key " + key.id + " of a missing key store");
    }
  }
  known.clear();
  for (const auto& key : records) known.insert(record_id(key));
  for (const auto& alias : aliases) {
    if (!known.contains(record_id(alias.scope, alias.target_key_id))) {
      corrupt("the database holds the alias " + alias.name + " of a missing key");
    }
  }
  for (const auto& grant : grants) {
    if (!known.contains(record_id(grant.scope, grant.key_id))) {
      corrupt("the database holds the grant " + grant.id + " of a missing key");
    }
  }
}

template <class Record>
void add_new(std::vector<Effect>& effects, std::vector<Record> records) {
  for (Record& record : records) {
    effects.emplace_back(Replacement<Record>{
        .before = nullptr, .after = std::make_shared<const Record>(std::move(record))});
  }
}

}  // namespace

std::vector<Effect> load_rows(sqlite3* database) {
  auto stores = load_key_stores(database);
  auto records = load_keys(database);
  load_materials(records, database);
  load_lists(records, database);
  auto aliases = load_aliases(database);
  auto grants = load_grants(database);
  check_references(records, aliases, grants, stores);

  std::vector<Effect> effects;
  effects.reserve(stores.size() + records.size() + aliases.size() + grants.size());
  add_new(effects, std::move(stores));
  add_new(effects, std::move(records));
  add_new(effects, std::move(aliases));
  add_new(effects, std::move(grants));
  add_new(effects, load_session_keys(database));
  for (RefusalChange& refusal : load_refusals(database)) effects.emplace_back(std::move(refusal));
  sqlite::Statement row(database, "SELECT sequence, line FROM audit_outbox ORDER BY sequence");
  while (row.step()) {
    effects.emplace_back(OutboxLine{.sequence = row.integer(0), .line = row.text(1)});
  }
  return effects;
}

std::int64_t next_outbox_sequence(sqlite3* database) {
  return 1 + sqlite::query_integer(database,
                                   "SELECT seq FROM sqlite_sequence WHERE name = 'audit_outbox'");
}

}  // namespace kms::storage
