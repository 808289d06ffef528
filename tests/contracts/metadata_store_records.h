#pragma once

#include <string>
#include <utility>
#include <vector>

#include "connector/storage/metadata_store.h"

// Records for tests of a MetadataStore.
namespace kms::test {

inline const Scope kHere{.account = "123456789012", .region = "us-east-1"};
inline const Scope kOtherRegion{.account = "123456789012", .region = "eu-west-1"};
inline const Scope kOtherAccount{.account = "111122223333", .region = "us-east-1"};

inline Timestamp at(std::int64_t milliseconds) {
  return Timestamp(std::chrono::milliseconds(milliseconds));
}

inline pkcs11::ObjectId object_id(std::uint8_t first) {
  pkcs11::ObjectId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(first + i);
  return id;
}

/// A key with nothing that is optional.
inline keys::KeyRecord plain_key(const Scope& scope, std::string id) {
  keys::KeyRecord key;
  key.scope = scope;
  key.id = std::move(id);
  key.state = keys::StoredState::enabled;
  key.created = at(1'700'000'000'123);
  return key;
}

/// A key with every field filled, and material of every kind.
inline keys::KeyRecord full_key(const Scope& scope, std::string id) {
  keys::KeyRecord key = plain_key(scope, std::move(id));
  key.state = keys::StoredState::pending_deletion;
  key.spec = api::KeySpec::rsa_4096;
  key.usage = api::KeyUsageType::sign_verify;
  key.origin = api::OriginType::external;
  key.description = "line\nquote' \u20AC \U0001F511";
  key.deletion_date = at(1'700'600'000'456);
  key.pending_window_days = 7;
  key.policy = R"({"Version":"2012-10-17"})";
  key.materials = {
      {.id = std::string(64, 'b'),
       .created = at(1),
       .generations = {{.number = 0,
                        .ref = pkcs11::WrappedMaterial{.kek = object_id(1), .blob = {0, 1, 255}},
                        .reserved = 1'000'000},
                       {.number = 7,
                        .ref = pkcs11::WrappedMaterial{.kek = object_id(2), .blob = {}},
                        .reserved = std::uint64_t{1} << 40}},
       .imported = keys::Imported{.fingerprint = {0, 1}, .description = "d'", .valid_to = at(9)}},
      {.id = std::string(64, 'a'),
       .created = at(2),
       .generations = {{.number = 0,
                        .ref = pkcs11::ObjectMaterial{.kind = pkcs11::KeyKind::ec_p256,
                                                      .id = object_id(100),
                                                      .public_key = {48, 0}}}},
       .rotated_in = keys::RotatedIn{.type = api::RotationType::on_demand, .time = at(4)}},
      {.id = std::string(64, 'c'),
       .created = at(3),
       .generations = {},
       .imported =
           keys::Imported{
               .fingerprint = {}, .description = "", .valid_to = {}, .reserved = 123'456}},
  };
  key.current_material = std::string(64, 'a');
  key.pending_material = std::string(64, 'c');
  key.rotation = keys::AutomaticRotation{.period_days = 90, .next = at(1'700'700'000'789)};
  key.on_demand_rotations = 25;
  key.tags = {
      {.key = "zone", .value = "b"}, {.key = "app", .value = ""}, {.key = "", .value = "e"}};
  key.multi_region = keys::MultiRegion{.primary_region = "us-east-1",
                                       .replica_regions = {"eu-west-1", "ap-northeast-1"}};
  key.last_use = keys::LastUse{.operation = "Encrypt",
                               .event_id = "e-1",
                               .request_id = "r-1",
                               .time = at(1'700'000'001'000)};
  return key;
}

inline keys::AliasRecord alias_of(const keys::KeyRecord& key, std::string name) {
  return {.scope = key.scope,
          .name = std::move(name),
          .target_key_id = key.id,
          .created = at(10),
          .updated = at(20)};
}

/// A grant with nothing that is optional.
inline keys::GrantRecord plain_grant(const keys::KeyRecord& key, std::string id,
                                     std::string grantee) {
  keys::GrantRecord grant;
  grant.scope = key.scope;
  grant.key_id = key.id;
  grant.id = std::move(id);
  grant.grantee_principal = std::move(grantee);
  grant.issuing_account = key.scope.account;
  grant.operations = {api::GrantOperation::decrypt};
  grant.created = at(30);
  grant.token_key = Bytes(32, 7);
  return grant;
}

/// A grant with every field filled.
inline keys::GrantRecord full_grant(const keys::KeyRecord& key, std::string id,
                                    std::string grantee) {
  keys::GrantRecord grant = plain_grant(key, std::move(id), std::move(grantee));
  grant.name = "name'\u20AC";
  grant.retiring_principal = "retirer";
  grant.operations.clear();
  for (std::size_t i = 0; i < api::enum_size<api::GrantOperation>; ++i) {
    grant.operations.push_back(static_cast<api::GrantOperation>(i));
  }
  grant.constraints = {
      .encryption_context_subset = api::StringMap{{"a \"", "\u20AC"}, {"b", "line\n"}},
      .encryption_context_equals = api::StringMap{}};
  grant.parent = std::string(64, 'f');
  return grant;
}

inline keys::KeyStoreRecord full_key_store(const Scope& scope, std::string id, std::string name) {
  keys::KeyStoreRecord store;
  store.scope = scope;
  store.id = std::move(id);
  store.cluster_id = "cluster-" + name;
  store.name = std::move(name);
  store.trust_anchor = "-----BEGIN CERTIFICATE-----\n";
  store.password = {
      .key = {.kek = object_id(9), .blob = {9, 8, 7}}, .iv = {1, 2}, .ciphertext = {3}};
  store.state = api::ConnectionStateType::failed;
  store.error = api::ConnectionErrorCodeType::user_locked_out;
  store.created = at(5);
  return store;
}

template <class Record>
storage::Change put(Record record) {
  return storage::Put<Record>{std::move(record)};
}
template <class Record>
storage::Change erase(Record record) {
  return storage::Erase<Record>{std::move(record)};
}
inline storage::Change audit(std::string line) {
  return storage::AppendAudit{.line = std::move(line)};
}

inline void commit(storage::MetadataStore& store, const std::vector<storage::Change>& changes) {
  store.commit(changes);
}

/// The fault of a commit that must be refused.
inline std::optional<storage::Fault> fault_of(storage::MetadataStore& store,
                                              const std::vector<storage::Change>& changes) {
  try {
    store.commit(changes);
    return std::nullopt;
  } catch (const storage::Error& e) {
    return e.fault();
  }
}

/// The record as it is stored after its next put.
template <class Record>
Record next_version(Record record) {
  ++record.version;
  return record;
}

}  // namespace kms::test
