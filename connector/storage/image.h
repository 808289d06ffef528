#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "connector/storage/metadata_store.h"

// The records in memory, for any back end: reads answer from here, commits are checked against it.
namespace kms::storage {

/// What a record is found by.
struct RecordId {
  std::string_view account;
  std::string_view region;
  std::string_view owner;  // the key of a grant; else empty
  std::string_view name;   // id or name
  auto operator<=>(const RecordId&) const = default;
};

inline RecordId record_id(const Scope& scope, std::string_view name) {
  return {.account = scope.account, .region = scope.region, .owner = {}, .name = name};
}
inline RecordId grant_record_id(const Scope& scope, std::string_view key_id, std::string_view id) {
  return {.account = scope.account, .region = scope.region, .owner = key_id, .name = id};
}
inline RecordId record_id(const keys::KeyRecord& key) { return record_id(key.scope, key.id); }
inline RecordId record_id(const keys::AliasRecord& alias) {
  return record_id(alias.scope, alias.name);
}
inline RecordId record_id(const keys::GrantRecord& grant) {
  return grant_record_id(grant.scope, grant.key_id, grant.id);
}
inline RecordId record_id(const keys::KeyStoreRecord& store) {
  return record_id(store.scope, store.id);
}
inline RecordId record_id(const keys::SessionKeyRecord& key) {
  return {.account = {}, .region = key.region, .owner = {}, .name = {}};
}

/// A record takes another's place; null before: it is new; null after: it is gone.
template <class Record>
struct Replacement {
  std::shared_ptr<const Record> before;
  std::shared_ptr<const Record> after;
};
/// A PIN refusal is remembered or forgotten.
struct RefusalChange {
  keys::PinRefusalRecord record;
  bool present = false;
};
/// A change as it will happen, after every check.
using Effect = std::variant<Replacement<keys::KeyRecord>, Replacement<keys::AliasRecord>,
                            Replacement<keys::GrantRecord>, Replacement<keys::KeyStoreRecord>,
                            Replacement<keys::SessionKeyRecord>, RefusalChange, OutboxLine>;

/// The records of one kind: found by hash, walked in order.
template <class Record>
class Table {
 public:
  using Pointer = std::shared_ptr<const Record>;

  [[nodiscard]] Pointer find(const RecordId& id) const {
    const auto it = by_hash_.find(id);
    return it == by_hash_.end() ? nullptr : *it;
  }

  /// The records of the same scope and owner that come after this one.
  [[nodiscard]] Page<Pointer> page(const RecordId& after, std::size_t limit) const {
    Page<Pointer> page;
    auto it = in_order_.upper_bound(after);
    for (; it != in_order_.end(); ++it) {
      const RecordId id = record_id(**it);
      if (id.account != after.account || id.region != after.region || id.owner != after.owner) {
        break;
      }
      page.more = page.items.size() == limit;
      if (page.more) break;
      page.items.push_back(*it);
    }
    return page;
  }

  [[nodiscard]] std::vector<Pointer> all() const { return {in_order_.begin(), in_order_.end()}; }

  void replace(const Pointer& before, const Pointer& after) {
    if (before != nullptr) {
      by_hash_.erase(before);
      in_order_.erase(before);
    }
    if (after != nullptr) {
      by_hash_.insert(after);
      in_order_.insert(after);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const RecordId& id) const noexcept {
      const std::hash<std::string_view> hash;
      return ((hash(id.name) * 31 + hash(id.owner)) * 31 + hash(id.region)) * 31 + hash(id.account);
    }
    std::size_t operator()(const Pointer& record) const noexcept {
      return (*this)(record_id(*record));
    }
  };
  static const RecordId& id_of(const RecordId& id) { return id; }
  static RecordId id_of(const Pointer& record) { return record_id(*record); }
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const noexcept { return id_of(a) == id_of(b); }
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const noexcept { return id_of(a) < id_of(b); }
  };

  std::unordered_set<Pointer, Hash, Equal> by_hash_;
  std::set<Pointer, Less> in_order_;
};

/// All records and their secondary indexes. Not synchronized.
class Image {
 public:
  [[nodiscard]] const Table<keys::KeyRecord>& keys() const noexcept { return keys_; }
  [[nodiscard]] const Table<keys::AliasRecord>& aliases() const noexcept { return aliases_; }
  [[nodiscard]] const Table<keys::GrantRecord>& grants() const noexcept { return grants_; }
  [[nodiscard]] const Table<keys::KeyStoreRecord>& key_stores() const noexcept {
    return key_stores_;
  }
  [[nodiscard]] const Table<keys::SessionKeyRecord>& session_keys() const noexcept {
    return session_keys_;
  }

  [[nodiscard]] std::size_t key_count(const Scope& scope) const;
  [[nodiscard]] std::size_t key_count_of_store(const Scope& scope, std::string_view id) const;
  [[nodiscard]] Page<keys::AliasPtr> aliases_of_key(const Scope& scope, std::string_view key_id,
                                                    std::string_view after,
                                                    std::size_t limit) const;
  [[nodiscard]] std::size_t grant_count(const Scope& scope, std::string_view key_id) const;
  [[nodiscard]] std::vector<keys::GrantPtr> grants_to(const Scope& scope, std::string_view key_id,
                                                      std::string_view grantee) const;
  [[nodiscard]] keys::GrantPtr find_grant_to(
      const Scope& scope, std::string_view key_id, std::string_view grantee,
      const std::function<bool(const keys::GrantRecord&)>& predicate) const;
  [[nodiscard]] std::vector<keys::GrantPtr> grants_named(const Scope& scope,
                                                         std::string_view key_id,
                                                         std::string_view grantee,
                                                         std::string_view name) const;
  [[nodiscard]] Page<keys::GrantPtr> grants_retirable_by(const Scope& scope,
                                                         std::string_view principal,
                                                         std::string_view after,
                                                         std::size_t limit) const;
  [[nodiscard]] std::vector<keys::PinRefusalRecord> pin_refusals(
      std::string_view token_serial) const;

  /// Makes the change; the replaced record must be the one that is here. Outbox lines are not kept
  /// here.
  void apply(const Effect& effect);

 private:
  void apply_one(const Replacement<keys::KeyRecord>& change);
  void apply_one(const Replacement<keys::AliasRecord>& change);
  void apply_one(const Replacement<keys::GrantRecord>& change);
  void apply_one(const Replacement<keys::KeyStoreRecord>& change);
  void apply_one(const Replacement<keys::SessionKeyRecord>& change);
  void apply_one(const RefusalChange& change);
  void apply_one(const OutboxLine& line);
  /// Visits the grants to the grantee until `visit` answers true.
  template <class Visit>
  void walk_grants_to(const Scope& scope, std::string_view key_id, std::string_view grantee,
                      const Visit& visit) const;

  using Target = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;
  struct ByTarget {
    using is_transparent = void;
    static const Target& target(const Target& target) { return target; }
    static Target target(const keys::AliasPtr& alias) {
      return {alias->scope.account, alias->scope.region, alias->target_key_id, alias->name};
    }
    bool operator()(const auto& a, const auto& b) const noexcept { return target(a) < target(b); }
  };

  // account, region, key, grantee, name, id
  using Granted = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view,
                             std::string_view, std::string_view>;
  struct ByGrantee {
    using is_transparent = void;
    static const Granted& granted(const Granted& granted) { return granted; }
    static Granted granted(const keys::GrantPtr& grant) {
      return {grant->scope.account,     grant->scope.region, grant->key_id,
              grant->grantee_principal, grant->name,         grant->id};
    }
    bool operator()(const auto& a, const auto& b) const noexcept { return granted(a) < granted(b); }
  };
  // account, region, retiring principal, id, key
  using Retirable = std::tuple<std::string_view, std::string_view, std::string_view,
                               std::string_view, std::string_view>;
  struct ByRetiringPrincipal {
    using is_transparent = void;
    static const Retirable& retirable(const Retirable& retirable) { return retirable; }
    static Retirable retirable(const keys::GrantPtr& grant) {
      return {grant->scope.account, grant->scope.region, grant->retiring_principal, grant->id,
              grant->key_id};
    }
    bool operator()(const auto& a, const auto& b) const noexcept {
      return retirable(a) < retirable(b);
    }
  };

  Table<keys::KeyRecord> keys_;
  Table<keys::AliasRecord> aliases_;
  Table<keys::GrantRecord> grants_;
  Table<keys::KeyStoreRecord> key_stores_;
  Table<keys::SessionKeyRecord> session_keys_;
  std::set<keys::AliasPtr, ByTarget> aliases_by_target_;
  std::set<keys::GrantPtr, ByGrantee> grants_by_grantee_;
  std::set<keys::GrantPtr, ByRetiringPrincipal> grants_by_retiring_principal_;
  std::map<std::pair<Scope, std::string>, std::size_t> grant_counts_;
  std::map<Scope, std::size_t> key_counts_;
  std::map<std::pair<Scope, std::string>, std::size_t> key_counts_of_stores_;
  std::map<std::pair<std::string, std::string>, keys::PinRefusalRecord>
      pin_refusals_;  // serial, hash
};

}  // namespace kms::storage
