#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "connector/base/bytes.h"
#include "connector/keys/records.h"
#include "connector/storage/metadata_store.h"

namespace kms::operations {

/// The last successful cryptographic use of each key, gathered in memory: noting it must not cost a
/// commit. A job writes it down every few seconds and at the end; a crash loses at most that
/// interval.
class LastUses {
 public:
  void note(const keys::KeyRecord& key, keys::LastUse use);
  /// What is not written yet of this key.
  [[nodiscard]] std::optional<keys::LastUse> pending(const Scope& scope,
                                                     const std::string& key_id) const;
  /// Commits what was noted since the last call. What could not be written is kept for the next.
  void flush(storage::MetadataStore& store);

 private:
  using Noted = std::map<std::pair<Scope, std::string>, keys::LastUse>;
  struct Stripe {
    mutable Mutex mutex;
    Noted noted KMS_GUARDED_BY(mutex);
  };
  // Many keys are used at once; one lock for all would be felt.
  static std::size_t stripe_of(const std::string& key_id);
  std::array<Stripe, 16> stripes_;
};

}  // namespace kms::operations
