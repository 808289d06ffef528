#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "connector/storage/image.h"

namespace kms::storage {

/// What the commits of one transaction make of the image before they are durable: each is checked
/// against the image and the commits accepted before it, all or nothing.
class Draft {
 public:
  /// Outbox lines are numbered from `next_sequence`.
  Draft(const Image& image, std::int64_t next_sequence)
      : image_(image), next_sequence_(next_sequence) {}

  /// The effects of one commit, in order. Throws Error{conflict}; accepts nothing yet.
  [[nodiscard]] std::vector<Effect> plan(std::span<const Change> changes) const;
  /// Later plans see these effects.
  void accept(std::vector<Effect> effects);

  [[nodiscard]] const std::vector<Effect>& effects() const noexcept { return effects_; }
  [[nodiscard]] std::int64_t next_sequence() const noexcept { return next_sequence_; }

 private:
  friend class Plan;
  using OwnedId = std::tuple<std::string, std::string, std::string, std::string>;
  static OwnedId owned(const RecordId& id) {
    return OwnedId{id.account, id.region, id.owner, id.name};
  }
  template <class Record>
  using Changed = std::map<OwnedId, std::shared_ptr<const Record>>;
  /// Records that moved, null if erased.
  using Layer =
      std::tuple<Changed<keys::KeyRecord>, Changed<keys::AliasRecord>, Changed<keys::GrantRecord>,
                 Changed<keys::KeyStoreRecord>, Changed<keys::SessionKeyRecord>>;

  const Image& image_;
  std::int64_t next_sequence_;
  Layer accepted_;
  std::vector<Effect> effects_;
};

}  // namespace kms::storage
