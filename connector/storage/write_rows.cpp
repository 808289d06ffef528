#include <algorithm>

#include "connector/api/encode.h"
#include "connector/storage/row_values.h"
#include "connector/storage/rows.h"
#include "connector/storage/sqlite.h"

namespace kms::storage {
namespace {

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::optional<std::int64_t> milliseconds(const std::optional<Timestamp>& time) {
  if (!time) return std::nullopt;
  return storage::milliseconds(*time);
}

std::optional<std::int64_t> integer(const std::optional<std::int32_t>& value) {
  if (!value) return std::nullopt;
  return std::int64_t{*value};
}

std::optional<std::string_view> unless_empty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::string joined(const std::vector<api::GrantOperation>& operations) {
  std::string names;
  for (const auto operation : operations) {
    if (!names.empty()) names += ',';
    names += api::to_string(operation);
  }
  return names;
}

/// The image said that there is exactly one such row.
void expect_one(int changed) {
  if (changed != 1) {
    throw Error(Fault::corrupt, "the database was changed by someone else while it was open");
  }
}

/// Whether the materials are the same but for the invocations reserved.
bool same_material(const keys::Material& a, const keys::Material& b) {
  return a.id == b.id && a.created == b.created && a.rotated_in == b.rotated_in &&
         a.imported == b.imported &&
         std::equal(
             a.generations.begin(), a.generations.end(), b.generations.begin(), b.generations.end(),
             [](const auto& x, const auto& y) { return x.number == y.number && x.ref == y.ref; });
}

/// Whether the row itself is the same but for the last use. (Versions do not tell: a key erased and
/// made again in one commit has version 1 before and after.)
bool same_row(const keys::KeyRecord& before, const keys::KeyRecord& after) {
  keys::KeyRecord expected = before;
  expected.last_use = after.last_use;
  expected.materials = after.materials;
  return expected == after;
}

}  // namespace

struct RowWriter::Statements {
  explicit Statements(sqlite3* database) : db(database) {}

  sqlite3* db;
  sqlite::Statement insert_key{
      db,
      "INSERT INTO keys (account, region, id, version, state, spec, usage, origin, description,"
      " created, deletion_date, custom_key_store_id, policy, current_material, primary_region,"
      " last_use_operation, last_use_event_id, last_use_request_id, last_use_time,"
      " pending_window_days, pending_material, rotation_period_days, next_rotation,"
      " on_demand_rotations) VALUES"
      " (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)"};
  sqlite::Statement update_key{
      db,
      "UPDATE keys SET version=?4, state=?5, spec=?6, usage=?7, origin=?8, description=?9,"
      " created=?10, deletion_date=?11, custom_key_store_id=?12, policy=?13, current_material=?14,"
      " primary_region=?15, last_use_operation=?16, last_use_event_id=?17, last_use_request_id=?18,"
      " last_use_time=?19, pending_window_days=?20, pending_material=?21, rotation_period_days=?22,"
      " next_rotation=?23, on_demand_rotations=?24"
      " WHERE account=?1 AND region=?2 AND id=?3 AND version=?25"};
  sqlite::Statement update_last_use{
      db,
      "UPDATE keys SET last_use_operation=?4, last_use_event_id=?5, last_use_request_id=?6,"
      " last_use_time=?7 WHERE account=?1 AND region=?2 AND id=?3"};
  sqlite::Statement delete_key{
      db, "DELETE FROM keys WHERE account=? AND region=? AND id=? AND version=?"};
  sqlite::Statement insert_material{
      db,
      "INSERT INTO materials (account, region, key_id, position, id, created, rotation_type,"
      " rotated, fingerprint, description, valid_to, reserved) VALUES"
      " (?,?,?,?,?,?,?,?,?,?,?,?)"};
  sqlite::Statement delete_materials{
      db, "DELETE FROM materials WHERE account=? AND region=? AND key_id=?"};
  sqlite::Statement insert_generation{
      db,
      "INSERT INTO generations (account, region, key_id, material_id, number, position, kind,"
      " key_kind, object_id, wrapped, reserved, public_key) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"};
  sqlite::Statement update_reserved{
      db,
      "UPDATE generations SET reserved=?6"
      " WHERE account=?1 AND region=?2 AND key_id=?3 AND material_id=?4 AND number=?5"};
  sqlite::Statement insert_tag{
      db,
      "INSERT INTO tags (account, region, key_id, position, tag_key, tag_value)"
      " VALUES (?,?,?,?,?,?)"};
  sqlite::Statement delete_tags{db, "DELETE FROM tags WHERE account=? AND region=? AND key_id=?"};
  sqlite::Statement insert_replica{
      db,
      "INSERT INTO key_replica_regions (account, region, key_id, position, replica_region)"
      " VALUES (?,?,?,?,?)"};
  sqlite::Statement delete_replicas{
      db, "DELETE FROM key_replica_regions WHERE account=? AND region=? AND key_id=?"};

  sqlite::Statement insert_alias{
      db,
      "INSERT INTO aliases (account, region, name, version, target_key_id, created, updated)"
      " VALUES (?,?,?,?,?,?,?)"};
  sqlite::Statement update_alias{
      db,
      "UPDATE aliases SET version=?4, target_key_id=?5, created=?6, updated=?7"
      " WHERE account=?1 AND region=?2 AND name=?3 AND version=?8"};
  sqlite::Statement delete_alias{
      db, "DELETE FROM aliases WHERE account=? AND region=? AND name=? AND version=?"};

  sqlite::Statement insert_grant{
      db,
      "INSERT INTO grants (account, region, key_id, id, version, name, grantee_principal,"
      " retiring_principal, issuing_account, operations, constraints, created, parent, token_key)"
      " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"};
  sqlite::Statement update_grant{
      db,
      "UPDATE grants SET version=?5, name=?6, grantee_principal=?7, retiring_principal=?8,"
      " issuing_account=?9, operations=?10, constraints=?11, created=?12, parent=?13, token_key=?14"
      " WHERE account=?1 AND region=?2 AND key_id=?3 AND id=?4 AND version=?15"};
  sqlite::Statement delete_grant{
      db, "DELETE FROM grants WHERE account=? AND region=? AND key_id=? AND id=? AND version=?"};

  sqlite::Statement insert_store{
      db,
      "INSERT INTO key_stores (account, region, id, version, name, type, cluster_id, trust_anchor,"
      " password_key_kind, password_kek, password_key, password_iv, password_ciphertext,"
      " connection_state, connection_error, created)"
      " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)"};
  sqlite::Statement update_store{
      db,
      "UPDATE key_stores SET version=?4, name=?5, type=?6, cluster_id=?7, trust_anchor=?8,"
      " password_key_kind=?9, password_kek=?10, password_key=?11, password_iv=?12,"
      " password_ciphertext=?13, connection_state=?14, connection_error=?15, created=?16"
      " WHERE account=?1 AND region=?2 AND id=?3 AND version=?17"};
  sqlite::Statement delete_store{
      db, "DELETE FROM key_stores WHERE account=? AND region=? AND id=? AND version=?"};

  sqlite::Statement insert_session_key{
      db,
      "INSERT INTO session_keys (region, version, key_kind, kek, wrapped, created)"
      " VALUES (?1,?2,?3,?4,?5,?6)"};
  sqlite::Statement update_session_key{
      db,
      "UPDATE session_keys SET version=?2, key_kind=?3, kek=?4, wrapped=?5, created=?6"
      " WHERE region=?1 AND version=?7"};
  sqlite::Statement delete_session_key{db, "DELETE FROM session_keys WHERE region=? AND version=?"};

  sqlite::Statement put_refusal{
      db,
      "INSERT INTO pin_refusals (token_serial, pin_hash, failure) VALUES (?1, ?2, ?3)"
      " ON CONFLICT DO UPDATE SET failure=?3"};
  sqlite::Statement delete_refusal{db,
                                   "DELETE FROM pin_refusals WHERE token_serial=? AND pin_hash=?"};
  sqlite::Statement insert_line{db, "INSERT INTO audit_outbox (sequence, line) VALUES (?, ?)"};
  sqlite::Statement delete_lines{db, "DELETE FROM audit_outbox WHERE sequence <= ?"};
};

RowWriter::RowWriter(sqlite3* database) : statements_(std::make_unique<Statements>(database)) {}
RowWriter::~RowWriter() = default;

void RowWriter::write(const Effect& effect) {
  std::visit([this](const auto& change) { write_one(change); }, effect);
}

void RowWriter::write_one(const Replacement<keys::KeyRecord>& change) {
  const auto& [before, after] = change;
  if (after == nullptr) {
    expect_one(statements_->delete_key
                   .with(before->scope.account, before->scope.region, before->id,
                         signed_of(before->version))
                   .run());
    return;
  }
  const keys::KeyRecord& key = *after;
  const auto& use = key.last_use;
  const auto use_operation = use ? std::optional<std::string_view>(use->operation) : std::nullopt;
  const auto use_event = use ? std::optional<std::string_view>(use->event_id) : std::nullopt;
  const auto use_request = use ? std::optional<std::string_view>(use->request_id) : std::nullopt;
  const auto use_time =
      use ? std::optional<std::int64_t>(storage::milliseconds(use->time)) : std::nullopt;
  const auto with_row = [&](sqlite::Statement& statement, const auto&... more) {
    expect_one(
        statement
            .with(key.scope.account, key.scope.region, key.id, signed_of(key.version),
                  name_in(kStateNames, key.state), api::to_string(key.spec),
                  api::to_string(key.usage), api::to_string(key.origin), key.description,
                  storage::milliseconds(key.created), milliseconds(key.deletion_date),
                  unless_empty(key.custom_key_store_id), key.policy, key.current_material,
                  key.multi_region
                      ? std::optional<std::string_view>(key.multi_region->primary_region)
                      : std::nullopt,
                  use_operation, use_event, use_request, use_time, integer(key.pending_window_days),
                  key.pending_material,
                  key.rotation ? integer(std::optional(key.rotation->period_days)) : std::nullopt,
                  key.rotation ? milliseconds(std::optional(key.rotation->next)) : std::nullopt,
                  std::int64_t{key.on_demand_rotations}, more...)
            .run());
  };
  if (before == nullptr) {
    with_row(statements_->insert_key);
  } else if (!same_row(*before, key)) {
    with_row(statements_->update_key, signed_of(before->version));
  } else if (before->last_use != key.last_use) {
    expect_one(statements_->update_last_use
                   .with(key.scope.account, key.scope.region, key.id, use_operation, use_event,
                         use_request, use_time)
                   .run());
  }
  write_children(before.get(), key);
}

void RowWriter::write_children(const keys::KeyRecord* before, const keys::KeyRecord& after) {
  write_materials(before, after);
  const auto& [account, region] = after.scope;
  if (before == nullptr || before->tags != after.tags) {
    if (before != nullptr) statements_->delete_tags.with(account, region, after.id).run();
    std::int64_t position = 0;
    for (const keys::Tag& tag : after.tags) {
      statements_->insert_tag.with(account, region, after.id, position++, tag.key, tag.value).run();
    }
  }
  if (before == nullptr || before->multi_region != after.multi_region) {
    if (before != nullptr) statements_->delete_replicas.with(account, region, after.id).run();
    if (!after.multi_region) return;
    std::int64_t position = 0;
    for (const std::string& replica : after.multi_region->replica_regions) {
      statements_->insert_replica.with(account, region, after.id, position++, replica).run();
    }
  }
}

void RowWriter::write_materials(const keys::KeyRecord* before, const keys::KeyRecord& after) {
  if (before != nullptr && before->materials == after.materials) return;
  const auto& [account, region] = after.scope;
  const bool only_reserved =
      before != nullptr &&
      std::equal(before->materials.begin(), before->materials.end(), after.materials.begin(),
                 after.materials.end(), same_material);
  if (only_reserved) return write_reserved(*before, after);
  if (before != nullptr) statements_->delete_materials.with(account, region, after.id).run();
  std::int64_t position = 0;
  for (const keys::Material& material : after.materials) {
    const auto& [rotated, imported] = std::tie(material.rotated_in, material.imported);
    statements_->insert_material
        .with(
            account, region, after.id, position++, material.id,
            storage::milliseconds(material.created),
            rotated ? std::optional<std::string_view>(api::to_string(rotated->type)) : std::nullopt,
            rotated ? milliseconds(std::optional(rotated->time)) : std::nullopt,
            imported ? std::optional<ByteView>(imported->fingerprint) : std::nullopt,
            imported ? std::optional<std::string_view>(imported->description) : std::nullopt,
            imported ? milliseconds(imported->valid_to) : std::nullopt,
            signed_of(imported ? imported->reserved : 0))
        .run();
    std::int64_t place = 0;
    for (const keys::Generation& generation : material.generations) {
      const auto* const wrapped = std::get_if<pkcs11::WrappedMaterial>(&generation.ref);
      const auto* const object = std::get_if<pkcs11::ObjectMaterial>(&generation.ref);
      statements_->insert_generation
          .with(account, region, after.id, material.id, std::int64_t{generation.number}, place++,
                std::string_view(wrapped != nullptr ? "wrapped" : "object"),
                name_in(kKeyKindNames, wrapped != nullptr ? wrapped->kind : object->kind),
                ByteView(wrapped != nullptr ? wrapped->kek : object->id),
                wrapped != nullptr ? std::optional<ByteView>(wrapped->blob) : std::nullopt,
                signed_of(generation.reserved),
                ByteView(wrapped != nullptr ? wrapped->public_key : object->public_key))
          .run();
    }
  }
}

void RowWriter::write_reserved(const keys::KeyRecord& before, const keys::KeyRecord& after) {
  for (std::size_t i = 0; i < after.materials.size(); ++i) {
    const keys::Material& material = after.materials[i];
    for (std::size_t j = 0; j < material.generations.size(); ++j) {
      const keys::Generation& generation = material.generations[j];
      if (generation == before.materials[i].generations[j]) continue;
      expect_one(statements_->update_reserved
                     .with(after.scope.account, after.scope.region, after.id, material.id,
                           std::int64_t{generation.number}, signed_of(generation.reserved))
                     .run());
    }
  }
}

void RowWriter::write_one(const Replacement<keys::AliasRecord>& change) {
  const auto& [before, after] = change;
  if (after == nullptr) {
    expect_one(statements_->delete_alias
                   .with(before->scope.account, before->scope.region, before->name,
                         signed_of(before->version))
                   .run());
    return;
  }
  const auto with_row = [&row = *after](sqlite::Statement& statement, const auto&... more) {
    expect_one(statement
                   .with(row.scope.account, row.scope.region, row.name, signed_of(row.version),
                         row.target_key_id, storage::milliseconds(row.created),
                         storage::milliseconds(row.updated), more...)
                   .run());
  };
  if (before == nullptr) {
    with_row(statements_->insert_alias);
  } else {
    with_row(statements_->update_alias, signed_of(before->version));
  }
}

void RowWriter::write_one(const Replacement<keys::GrantRecord>& change) {
  const auto& [before, after] = change;
  if (after == nullptr) {
    expect_one(statements_->delete_grant
                   .with(before->scope.account, before->scope.region, before->key_id, before->id,
                         signed_of(before->version))
                   .run());
    return;
  }
  const keys::GrantRecord& row = *after;  // clang 14 captures no structured binding
  const auto constraints = api::encode(row.constraints);
  const std::string operations = joined(row.operations);
  const auto with_row = [&](sqlite::Statement& statement, const auto&... more) {
    expect_one(statement
                   .with(row.scope.account, row.scope.region, row.key_id, row.id,
                         signed_of(row.version), row.name, row.grantee_principal,
                         row.retiring_principal, row.issuing_account, operations,
                         constraints.text(), storage::milliseconds(row.created), row.parent,
                         ByteView(row.token_key), more...)
                   .run());
  };
  if (before == nullptr) {
    with_row(statements_->insert_grant);
  } else {
    with_row(statements_->update_grant, signed_of(before->version));
  }
}

void RowWriter::write_one(const Replacement<keys::KeyStoreRecord>& change) {
  const auto& [before, after] = change;
  if (after == nullptr) {
    expect_one(statements_->delete_store
                   .with(before->scope.account, before->scope.region, before->id,
                         signed_of(before->version))
                   .run());
    return;
  }
  const auto with_row = [&row = *after](sqlite::Statement& statement, const auto&... more) {
    expect_one(statement
                   .with(row.scope.account, row.scope.region, row.id, signed_of(row.version),
                         row.name, api::to_string(row.type), row.cluster_id, row.trust_anchor,
                         name_in(kKeyKindNames, row.password.key.kind),
                         ByteView(row.password.key.kek), ByteView(row.password.key.blob),
                         ByteView(row.password.iv), ByteView(row.password.ciphertext),
                         api::to_string(row.state),
                         row.error ? std::optional<std::string_view>(api::to_string(*row.error))
                                   : std::nullopt,
                         storage::milliseconds(row.created), more...)
                   .run());
  };
  if (before == nullptr) {
    with_row(statements_->insert_store);
  } else {
    with_row(statements_->update_store, signed_of(before->version));
  }
}

void RowWriter::write_one(const Replacement<keys::SessionKeyRecord>& change) {
  const auto& [before, after] = change;
  if (after == nullptr) {
    expect_one(
        statements_->delete_session_key.with(before->region, signed_of(before->version)).run());
    return;
  }
  const auto with_row = [&row = *after](sqlite::Statement& statement, const auto&... more) {
    expect_one(statement
                   .with(row.region, signed_of(row.version), name_in(kKeyKindNames, row.key.kind),
                         ByteView(row.key.kek), ByteView(row.key.blob),
                         storage::milliseconds(row.created), more...)
                   .run());
  };
  if (before == nullptr) {
    with_row(statements_->insert_session_key);
  } else {
    with_row(statements_->update_session_key, signed_of(before->version));
  }
}

void RowWriter::write_one(const RefusalChange& change) {
  const auto& record = change.record;
  if (change.present) {
    statements_->put_refusal
        .with(record.token_serial, ByteView(record.pin_hash), std::int64_t{record.failure})
        .run();
  } else {
    statements_->delete_refusal.with(record.token_serial, ByteView(record.pin_hash)).run();
  }
}

void RowWriter::write_one(const OutboxLine& line) {
  statements_->insert_line.with(line.sequence, line.line).run();
}

void RowWriter::delete_outbox(std::int64_t sequence) {
  statements_->delete_lines.with(sequence).run();
}

}  // namespace kms::storage
