#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connector/api/shapes.h"
#include "connector/base/arn.h"
#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "pkcs11/token.h"

// What the connector remembers. Plain values; every record carries the version that optimistic
// commits compare.
namespace kms::keys {

/// One key of AES-GCM under a material: replaced (no rotation, ids stay) before its random IVs get
/// too many.
struct Generation {
  std::uint32_t number = 0;
  pkcs11::MaterialRef ref;
  /// Invocations reserved durably so far; use never runs ahead of it.
  std::uint64_t reserved = 0;
  bool operator==(const Generation&) const = default;
};

/// What is known of material that came from outside.
struct Imported {
  /// Knows the same material again: pkcs11::Token::fingerprint(), or the public key.
  Bytes fingerprint;
  std::string description;
  std::optional<Timestamp> valid_to;  // unset: it does not expire
  /// Generation::reserved of what was deleted or has expired: the same material may come back.
  std::uint64_t reserved = 0;
  bool operator==(const Imported&) const = default;
};

/// How and when a material became the current one.
struct RotatedIn {
  api::RotationType type = api::RotationType::automatic;
  Timestamp time{};
  bool operator==(const RotatedIn&) const = default;
};

/// Key material of a key. The first is the oldest; `current_material` of the key names the one that
/// encrypts.
struct Material {
  std::string id;  // 64 lower-case hex digits (KeyMaterialId)
  Timestamp created{};
  /// The last one encrypts. Empty: imported material that was deleted or has expired.
  std::vector<Generation> generations;
  std::optional<RotatedIn> rotated_in;  // unset: the first one, or one that was never current
  std::optional<Imported> imported;     // unset: made by the token
  bool operator==(const Material&) const = default;
};

/// Automatic rotation, where it is on.
struct AutomaticRotation {
  std::int32_t period_days = 365;
  Timestamp next{};
  bool operator==(const AutomaticRotation&) const = default;
};

struct Tag {
  std::string key;
  std::string value;
  bool operator==(const Tag&) const = default;
};

/// The last cryptographic use, for GetKeyLastUsage.
struct LastUse {
  std::string operation;
  std::string event_id;
  std::string request_id;
  Timestamp time{};
  bool operator==(const LastUse&) const = default;
};

/// A multi-Region key with its relatives. Each has this part of what a generation may encrypt.
inline constexpr std::size_t kMaxRelatedKeys = 16;

/// Present on multi-Region keys only: what the key and its related keys have in common, the same in
/// each of their records.
struct MultiRegion {
  std::string primary_region;
  std::vector<std::string> replica_regions;
  bool operator==(const MultiRegion&) const = default;
};

/// States that are stored. Unavailable is not: it follows from the key store's connection.
enum class StoredState : std::uint8_t {
  creating,  // the token object may or may not exist; invisible to callers
  enabled,
  disabled,
  pending_deletion,
  pending_replica_deletion,  // a primary that waits for its replicas to go
  pending_import,
  deleting,  // the object is being destroyed; invisible to callers
};

struct KeyRecord {
  Scope scope;
  std::string id;
  std::uint64_t version = 0;  // 0: not stored yet
  StoredState state = StoredState::creating;
  api::KeySpec spec = api::KeySpec::symmetric_default;
  api::KeyUsageType usage = api::KeyUsageType::encrypt_decrypt;
  api::OriginType origin = api::OriginType::aws_kms;
  std::string description;
  Timestamp created{};
  std::optional<Timestamp> deletion_date;
  std::optional<std::int32_t> pending_window_days;  // in pending_replica_deletion
  std::string custom_key_store_id;                  // empty: the Region's own token
  std::string policy;                               // empty: the default policy
  std::vector<Material> materials;
  std::string current_material;  // empty: none yet
  std::string pending_material;  // imported, becomes current with the next rotation; else empty
  std::optional<AutomaticRotation> rotation;
  std::uint32_t on_demand_rotations = 0;
  std::vector<Tag> tags;  // in the order they were added
  std::optional<MultiRegion> multi_region;
  std::optional<LastUse> last_use;

  [[nodiscard]] std::string arn() const { return key_arn(scope, id); }
  /// Callers may see it: it is neither being made nor being destroyed.
  [[nodiscard]] bool visible() const noexcept {
    return state != StoredState::creating && state != StoredState::deleting;
  }
  /// A multi-Region key that is not the primary one.
  [[nodiscard]] bool is_replica() const noexcept {
    return multi_region && multi_region->primary_region != scope.region;
  }
  [[nodiscard]] const Material* material(std::string_view material_id) const;
  bool operator==(const KeyRecord&) const = default;
};

/// Material that is still being made, by a creation, a rotation or an import, or that is being
/// destroyed: of no use, but the record names its objects in the token as long as they may be
/// there.
[[nodiscard]] bool is_unfinished(const KeyRecord& key, const Material& material);

struct AliasRecord {
  Scope scope;
  std::string name;  // with "alias/"
  std::uint64_t version = 0;
  std::string target_key_id;
  Timestamp created{};
  Timestamp updated{};
  [[nodiscard]] std::string arn() const { return alias_arn(scope, name); }
  bool operator==(const AliasRecord&) const = default;
};

/// A grant on a key.
struct GrantRecord {
  Scope scope;  // the key's
  std::string key_id;
  std::string id;  // 64 lower-case hex digits
  std::uint64_t version = 0;
  std::string name;  // empty: none
  std::string grantee_principal;
  std::string retiring_principal;  // empty: none
  std::string issuing_account;
  std::vector<api::GrantOperation> operations;
  api::GrantConstraints constraints;
  Timestamp created{};
  std::string parent;  // id of the grant under which it was created; empty: none
  Bytes token_key;     // 32 random bytes that its grant tokens are authenticated with
  bool operator==(const GrantRecord&) const = default;
};

/// A secret sealed under a fresh key of the Region's default token.
struct SealedSecret {
  pkcs11::WrappedMaterial key;
  Bytes iv;
  Bytes ciphertext;
  bool operator==(const SealedSecret&) const = default;
};

struct KeyStoreRecord {
  Scope scope;
  std::string id;  // "cks-" and 17 hex digits
  std::uint64_t version = 0;
  std::string name;
  api::CustomKeyStoreType type = api::CustomKeyStoreType::aws_cloudhsm;
  std::string cluster_id;
  std::string trust_anchor;  // PEM as sent
  SealedSecret password;
  api::ConnectionStateType state = api::ConnectionStateType::disconnected;
  std::optional<api::ConnectionErrorCodeType> error;
  Timestamp created{};
  bool operator==(const KeyStoreRecord&) const = default;
};

/// A PIN that a token refused: never tried again until it is another PIN.
struct PinRefusalRecord {
  std::string token_serial;
  Bytes pin_hash;            // keyed
  std::uint8_t failure = 0;  // by the number that keystores/pin_refusals.cpp gives it
  bool operator==(const PinRefusalRecord&) const = default;
};

/// The key that temporary credentials are authenticated with, by way of hourly keys: made in the
/// token of a Region, the default one, and never seen outside.
struct SessionKeyRecord {
  std::string region;
  std::uint64_t version = 0;
  pkcs11::WrappedMaterial key;
  Timestamp created{};
  bool operator==(const SessionKeyRecord&) const = default;
};

using KeyPtr = std::shared_ptr<const KeyRecord>;
using AliasPtr = std::shared_ptr<const AliasRecord>;
using GrantPtr = std::shared_ptr<const GrantRecord>;
using KeyStorePtr = std::shared_ptr<const KeyStoreRecord>;
using SessionKeyPtr = std::shared_ptr<const SessionKeyRecord>;

}  // namespace kms::keys
