#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "connector/base/bytes.h"
#include "connector/keys/records.h"
#include "connector/storage/metadata_store.h"

namespace kms::keystores {

/// Counts the AES-GCM invocations of each generation of a key's material, never ahead of what the
/// store has reserved durably. Thread-safe; counting takes no lock while the reserved block lasts.
class Invocations {
 public:
  static constexpr std::uint64_t kBlock = std::uint64_t{1} << 16;

  /// `limit`: invocations a generation may see; of a multi-Region key's each Region has an equal
  /// share, so that the Regions need not ask one another.
  Invocations(storage::MetadataStore& store, std::uint64_t limit, std::uint64_t block = kBlock);
  ~Invocations();
  Invocations(const Invocations&) = delete;
  Invocations& operator=(const Invocations&) = delete;

  /// Counts one; false: the generation is used up. Throws storage::Error if nothing more could be
  /// reserved.
  [[nodiscard]] bool take(const keys::KeyRecord& key, const keys::Material& material,
                          const keys::Generation& generation);

 private:
  struct Counter;
  static constexpr std::size_t kBuckets = std::size_t{1} << 14;

  Counter& counter(const keys::KeyRecord& key, const keys::Material& material,
                   const keys::Generation& generation);
  /// Reserves a block beyond `ticket` unless that much is reserved already.
  void reserve(Counter& counter, std::uint64_t ticket);
  void reserve_ahead(Counter& counter);
  void work();

  storage::MetadataStore& store_;
  const std::uint64_t limit_;
  const std::uint64_t block_;
  // Chains that only grow, so that reading them needs no lock.
  const std::unique_ptr<std::array<std::atomic<Counter*>, kBuckets>> buckets_;
  Mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Counter*> ahead_ KMS_GUARDED_BY(mutex_);
  bool stopping_ KMS_GUARDED_BY(mutex_) = false;
  std::thread worker_;
};

}  // namespace kms::keystores
