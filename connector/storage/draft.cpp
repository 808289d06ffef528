#include "connector/storage/draft.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace kms::storage {
namespace {

template <class Record>
std::string described(const Record& record) {
  const RecordId id = record_id(record);
  std::string text = std::string(id.account).append("/").append(id.region).append("/");
  if (!id.owner.empty()) text.append(id.owner).append("/");
  return text.append(id.name);
}

[[noreturn]] void conflict(const std::string& what, const char* why) {
  throw Error(Fault::conflict, what + why);
}

keys::Generation* generation_of(keys::KeyRecord& key, std::string_view material_id,
                                std::uint32_t number) {
  for (keys::Material& material : key.materials) {
    if (material.id != material_id) continue;
    for (keys::Generation& generation : material.generations) {
      if (generation.number == number) return &generation;
    }
  }
  return nullptr;
}

/// Imported material that was deleted and comes back goes on counting where it was.
void keep_reserved(const keys::Material& stored, keys::Material& record) {
  if (!stored.imported || !record.imported) return;
  std::uint64_t reserved = stored.imported->reserved;
  if (stored.generations.empty()) {
    for (keys::Generation& generation : record.generations) {
      generation.reserved = std::max(generation.reserved, reserved);
    }
  } else if (record.generations.empty()) {
    for (const keys::Generation& generation : stored.generations) {
      reserved = std::max(reserved, generation.reserved);
    }
  }
  record.imported->reserved = std::max(record.imported->reserved, reserved);
}

/// What moves without the version must not be undone by a record that was read before it moved: a
/// reserved block of invocations that fell back would let IVs run past their bound.
void keep_unversioned(const keys::KeyRecord& stored, keys::KeyRecord& record) {
  if (stored.last_use && (!record.last_use || record.last_use->time < stored.last_use->time)) {
    record.last_use = stored.last_use;
  }
  for (const keys::Material& material : stored.materials) {
    for (const keys::Generation& generation : material.generations) {
      if (auto* const ours = generation_of(record, material.id, generation.number)) {
        ours->reserved = std::max(ours->reserved, generation.reserved);
      }
    }
    const auto same = std::ranges::find(record.materials, material.id, &keys::Material::id);
    if (same != record.materials.end()) keep_reserved(material, *same);
  }
}

void keep_unversioned(const keys::AliasRecord&, keys::AliasRecord&) {}
void keep_unversioned(const keys::GrantRecord&, keys::GrantRecord&) {}
void keep_unversioned(const keys::KeyStoreRecord&, keys::KeyStoreRecord&) {}
void keep_unversioned(const keys::SessionKeyRecord&, keys::SessionKeyRecord&) {}

}  // namespace

/// One commit on its way through the checks.
class Plan {
 public:
  explicit Plan(const Draft& draft) : draft_(draft), next_sequence_(draft.next_sequence_) {}

  template <class Record>
  void add(const Put<Record>& put) {
    const auto stored = find<Record>(record_id(put.record));
    if ((stored == nullptr ? 0 : stored->version) != put.record.version) {
      conflict(described(put.record), stored == nullptr         ? " is gone"
                                      : put.record.version == 0 ? " exists already"
                                                                : " moved on since it was read");
    }
    auto record = std::make_shared<Record>(put.record);
    ++record->version;
    if (stored != nullptr) keep_unversioned(*stored, *record);
    replace<Record>(stored, std::move(record));
  }

  template <class Record>
  void add(const Erase<Record>& erase) {
    const auto stored = find<Record>(record_id(erase.record));
    if (stored == nullptr) conflict(described(erase.record), " is gone");
    if (stored->version != erase.record.version) {
      conflict(described(erase.record), " moved on since it was read");
    }
    if constexpr (std::is_same_v<Record, keys::KeyRecord>) erased_keys_.push_back(stored);
    replace<Record>(stored, nullptr);
  }

  void add(const Put<keys::PinRefusalRecord>& put) {
    effects_.emplace_back(RefusalChange{.record = put.record, .present = true});
  }
  void add(const Erase<keys::PinRefusalRecord>& erase) {
    effects_.emplace_back(RefusalChange{.record = erase.record, .present = false});
  }

  void add(const NoteLastUse& note) {
    const auto stored = find<keys::KeyRecord>(record_id(note.scope, note.key_id));
    if (stored == nullptr) return;
    if (stored->last_use && note.use.time < stored->last_use->time) return;
    auto record = std::make_shared<keys::KeyRecord>(*stored);
    record->last_use = note.use;
    replace<keys::KeyRecord>(stored, std::move(record));
  }

  void add(const ReserveInvocations& reserve) {
    const auto stored = find<keys::KeyRecord>(record_id(reserve.scope, reserve.key_id));
    if (stored == nullptr) conflict(reserve.key_id, " is gone");
    auto record = std::make_shared<keys::KeyRecord>(*stored);
    auto* const generation = generation_of(*record, reserve.material_id, reserve.generation);
    if (generation == nullptr) conflict(reserve.key_id, ": the generation is gone");
    if (reserve.reserved <= generation->reserved) return;
    generation->reserved = reserve.reserved;
    replace<keys::KeyRecord>(stored, std::move(record));
  }

  void add(const AppendAudit& audit) {
    effects_.emplace_back(OutboxLine{.sequence = next_sequence_++, .line = audit.line});
  }

  /// One effect a record, in an order in which every reference holds at each step: what refers to a
  /// record is erased before it and written after it.
  std::vector<Effect> release() && {
    for (const keys::KeyPtr& key : erased_keys_) erase_grants_of(*key);
    erased<keys::AliasRecord>();
    erased<keys::GrantRecord>();
    written<keys::KeyStoreRecord>();
    written<keys::KeyRecord>();
    written<keys::AliasRecord>();
    written<keys::GrantRecord>();
    erased<keys::KeyRecord>();
    erased<keys::KeyStoreRecord>();
    erased<keys::SessionKeyRecord>();
    written<keys::SessionKeyRecord>();
    return std::move(effects_);
  }

 private:
  template <class Record>
  using Moves = std::map<Draft::OwnedId, Replacement<Record>>;

  template <class Record>
  [[nodiscard]] std::shared_ptr<const Record> find(const RecordId& id) const {
    const Draft::OwnedId owned = Draft::owned(id);
    const auto& ours = std::get<Moves<Record>>(moves_);
    if (const auto it = ours.find(owned); it != ours.end()) return it->second.after;
    const auto& accepted = std::get<Draft::Changed<Record>>(draft_.accepted_);
    if (const auto it = accepted.find(owned); it != accepted.end()) return it->second;
    return table<Record>().find(id);
  }

  template <class Record>
  [[nodiscard]] const Table<Record>& table() const {
    if constexpr (std::is_same_v<Record, keys::KeyRecord>) {
      return draft_.image_.keys();
    } else if constexpr (std::is_same_v<Record, keys::AliasRecord>) {
      return draft_.image_.aliases();
    } else if constexpr (std::is_same_v<Record, keys::GrantRecord>) {
      return draft_.image_.grants();
    } else if constexpr (std::is_same_v<Record, keys::KeyStoreRecord>) {
      return draft_.image_.key_stores();
    } else {
      return draft_.image_.session_keys();
    }
  }

  template <class Record>
  void replace(std::shared_ptr<const Record> before, std::shared_ptr<const Record> after) {
    const RecordId id = record_id(before == nullptr ? *after : *before);
    const auto [it, first] = std::get<Moves<Record>>(moves_).try_emplace(Draft::owned(id));
    if (first) it->second.before = std::move(before);
    it->second.after = std::move(after);
  }

  /// The stored grants of a key go with it; one that this commit writes has to find its key.
  void erase_grants_of(const keys::KeyRecord& key) {
    const auto& [account, region] = key.scope;
    auto& moves = std::get<Moves<keys::GrantRecord>>(moves_);
    const auto go = [&moves](const Draft::OwnedId& id, const keys::GrantPtr& grant) {
      if (grant != nullptr) moves.try_emplace(id, Replacement<keys::GrantRecord>{grant, nullptr});
    };
    const auto& accepted = std::get<Draft::Changed<keys::GrantRecord>>(draft_.accepted_);
    const RecordId first = grant_record_id(key.scope, key.id, "");
    for (auto it = accepted.lower_bound(Draft::owned(first));
         it != accepted.end() &&
         std::tie(std::get<0>(it->first), std::get<1>(it->first), std::get<2>(it->first)) ==
             std::tie(account, region, key.id);
         ++it) {
      go(it->first, it->second);
    }
    const auto all = std::numeric_limits<std::size_t>::max();
    for (const keys::GrantPtr& grant : draft_.image_.grants().page(first, all).items) {
      const Draft::OwnedId id = Draft::owned(record_id(*grant));
      if (!accepted.contains(id)) go(id, grant);
    }
  }

  template <class Record>
  void erased() {
    for (const auto& [id, move] : std::get<Moves<Record>>(moves_)) {
      if (move.before != nullptr && move.after == nullptr) effects_.emplace_back(move);
    }
  }
  template <class Record>
  void written() {
    for (const auto& [id, move] : std::get<Moves<Record>>(moves_)) {
      if (move.after != nullptr) effects_.emplace_back(move);
    }
  }

  const Draft& draft_;
  std::int64_t next_sequence_;
  std::tuple<Moves<keys::KeyRecord>, Moves<keys::AliasRecord>, Moves<keys::GrantRecord>,
             Moves<keys::KeyStoreRecord>, Moves<keys::SessionKeyRecord>>
      moves_;
  std::vector<keys::KeyPtr> erased_keys_;
  std::vector<Effect> effects_;
};

std::vector<Effect> Draft::plan(std::span<const Change> changes) const {
  Plan plan(*this);
  for (const Change& change : changes) {
    std::visit([&plan](const auto& one) { plan.add(one); }, change);
  }
  return std::move(plan).release();
}

void Draft::accept(std::vector<Effect> effects) {
  const auto note = [this]<class Record>(const Replacement<Record>& change) {
    const RecordId id = record_id(change.before == nullptr ? *change.after : *change.before);
    std::get<Changed<Record>>(accepted_).insert_or_assign(owned(id), change.after);
  };
  for (const Effect& effect : effects) {
    std::visit(
        [this, &note](const auto& change) {
          using Kind = std::decay_t<decltype(change)>;
          if constexpr (std::is_same_v<Kind, OutboxLine>) {
            next_sequence_ = change.sequence + 1;
          } else if constexpr (!std::is_same_v<Kind, RefusalChange>) {
            note(change);
          }
        },
        effect);
  }
  effects_.insert(effects_.end(), std::make_move_iterator(effects.begin()),
                  std::make_move_iterator(effects.end()));
}

}  // namespace kms::storage
