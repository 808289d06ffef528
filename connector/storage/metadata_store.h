#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "connector/keys/records.h"

namespace kms::storage {

enum class Fault : std::uint8_t {
  conflict,      // a record moved on since it was read, or exists already, or is gone
  unavailable,   // the database cannot be reached or is full; nothing was changed
  corrupt,       // it answers what it was never told
  newer_schema,  // written by a later release
};

class Error final : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& text) : std::runtime_error(text), fault_(fault) {}
  [[nodiscard]] Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

/// Stores the record. Its version must be the stored one's (0: there is none yet); it is stored
/// with version+1.
template <class Record>
struct Put {
  Record record;
};
/// Deletes the record, which must still have this record's version; a PIN refusal is just
/// forgotten. A key's grants go with it.
template <class Record>
struct Erase {
  Record record;
};
/// Notes the last use of a key without moving its version; ignored if the key is gone or a later
/// use is noted.
struct NoteLastUse {
  Scope scope;
  std::string key_id;
  keys::LastUse use;
};
/// Raises `reserved` of a generation without moving the key's version; ignored if it would fall, a
/// conflict if the generation is gone.
struct ReserveInvocations {
  Scope scope;
  std::string key_id;
  std::string material_id;
  std::uint32_t generation = 0;
  std::uint64_t reserved = 0;
};
/// Appends a line to the audit outbox, to be handed to the audit writer.
struct AppendAudit {
  std::string line;  // one JSON object, no newline
};

using Change =
    std::variant<Put<keys::KeyRecord>, Erase<keys::KeyRecord>, Put<keys::AliasRecord>,
                 Erase<keys::AliasRecord>, Put<keys::GrantRecord>, Erase<keys::GrantRecord>,
                 Put<keys::KeyStoreRecord>, Erase<keys::KeyStoreRecord>,
                 Put<keys::SessionKeyRecord>, Erase<keys::SessionKeyRecord>,
                 Put<keys::PinRefusalRecord>, Erase<keys::PinRefusalRecord>, NoteLastUse,
                 ReserveInvocations, AppendAudit>;

/// A line of the audit outbox, in the order of commit.
struct OutboxLine {
  std::int64_t sequence = 0;
  std::string line;
};

/// The audit lines that were committed with changes and wait to be written out. Thread-safe. Throws
/// Error.
class AuditOutbox {
 public:
  virtual ~AuditOutbox() = default;

  /// The first lines of the outbox, in order, at most `limit`.
  [[nodiscard]] virtual std::vector<OutboxLine> outbox(std::size_t limit) const = 0;
  /// Removes the lines up to and including `sequence`, which were written out. After a crash some
  /// of them may be handed out again.
  virtual void outbox_written(std::int64_t sequence) = 0;
};

/// A page of records in ascending order of their key (id or name).
template <class Pointer>
struct Page {
  std::vector<Pointer> items;
  bool more = false;
};

/// What the connector remembers. References hold at all times: the key of an alias or a grant and a
/// key's custom key store are there (so erase the aliases of a key with it), names and clusters of
/// key stores are unique in their scope, and no two grants of a key have the same name and the same
/// parameters; a commit that would break this is a conflict. Within a commit the order of changes
/// does not matter. Thread-safe. Reads come from memory and never block on the disk; a commit is
/// durable (survives kill -9 and, as far as the disk is honest, power loss) when it returns. Throws
/// Error.
class MetadataStore : public AuditOutbox {
 public:
  [[nodiscard]] virtual keys::KeyPtr key(const Scope& scope, std::string_view id) const = 0;
  /// Keys with an id greater than `after`, at most `limit`; records in every stored state.
  [[nodiscard]] virtual Page<keys::KeyPtr> keys(const Scope& scope, std::string_view after,
                                                std::size_t limit) const = 0;
  [[nodiscard]] virtual std::size_t key_count(const Scope& scope) const = 0;
  /// Keys of one custom key store, in every stored state.
  [[nodiscard]] virtual std::size_t key_count_of_store(
      const Scope& scope, std::string_view custom_key_store_id) const = 0;
  /// Every key of every scope for which the predicate holds (jobs, reconciliation).
  [[nodiscard]] virtual std::vector<keys::KeyPtr> find_keys(
      const std::function<bool(const keys::KeyRecord&)>& predicate) const = 0;

  [[nodiscard]] virtual keys::AliasPtr alias(const Scope& scope, std::string_view name) const = 0;
  [[nodiscard]] virtual Page<keys::AliasPtr> aliases(const Scope& scope, std::string_view after,
                                                     std::size_t limit) const = 0;
  /// Aliases of one key, by name.
  [[nodiscard]] virtual Page<keys::AliasPtr> aliases_of_key(const Scope& scope,
                                                            std::string_view key_id,
                                                            std::string_view after,
                                                            std::size_t limit) const = 0;

  [[nodiscard]] virtual keys::GrantPtr grant(const Scope& scope, std::string_view key_id,
                                             std::string_view id) const = 0;
  /// Grants of one key, by id.
  [[nodiscard]] virtual Page<keys::GrantPtr> grants_of_key(const Scope& scope,
                                                           std::string_view key_id,
                                                           std::string_view after,
                                                           std::size_t limit) const = 0;
  [[nodiscard]] virtual std::size_t grant_count(const Scope& scope,
                                                std::string_view key_id) const = 0;
  /// Grants of one key to one grantee, as spelt in the grant; their number is what it costs.
  [[nodiscard]] virtual std::vector<keys::GrantPtr> grants_to(const Scope& scope,
                                                              std::string_view key_id,
                                                              std::string_view grantee) const = 0;
  /// The first of them for which the predicate holds, null if it does for none; it must not call
  /// the store.
  [[nodiscard]] virtual keys::GrantPtr find_grant_to(
      const Scope& scope, std::string_view key_id, std::string_view grantee,
      const std::function<bool(const keys::GrantRecord&)>& predicate) const = 0;
  /// Those of them with this name.
  [[nodiscard]] virtual std::vector<keys::GrantPtr> grants_named(const Scope& scope,
                                                                 std::string_view key_id,
                                                                 std::string_view grantee,
                                                                 std::string_view name) const = 0;
  /// Grants of a scope's keys with this retiring principal, by id.
  [[nodiscard]] virtual Page<keys::GrantPtr> grants_retirable_by(const Scope& scope,
                                                                 std::string_view principal,
                                                                 std::string_view after,
                                                                 std::size_t limit) const = 0;

  [[nodiscard]] virtual keys::KeyStorePtr key_store(const Scope& scope,
                                                    std::string_view id) const = 0;
  /// All key stores of a scope by id; of every scope if `scope` is null. They are few.
  [[nodiscard]] virtual std::vector<keys::KeyStorePtr> key_stores(const Scope* scope) const = 0;

  /// Null: that Region's token has made none yet.
  [[nodiscard]] virtual keys::SessionKeyPtr session_key(std::string_view region) const = 0;

  [[nodiscard]] virtual std::vector<keys::PinRefusalRecord> pin_refusals(
      std::string_view token_serial) const = 0;

  /// All of the changes or none; Error{conflict} if a record moved on since it was read.
  virtual void commit(std::span<const Change> changes) = 0;
};

}  // namespace kms::storage
