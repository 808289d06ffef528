#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "connector/auth/policy.h"
#include "connector/keys/records.h"
#include "connector/storage/read_mostly_mutex.h"

namespace kms::auth {

/// The key policies of keys, parsed once. Thread-safe.
class PolicyCache {
 public:
  using PolicyPtr = std::shared_ptr<const Policy>;
  /// The policy of the record, which is not older than what the cache knows: the default one if it
  /// has none.
  [[nodiscard]] PolicyPtr of(const keys::KeyRecord& key);

 private:
  struct Entry {
    std::string text;
    PolicyPtr policy;
  };
  storage::ReadMostlyMutex mutex_;
  std::unordered_map<std::string, Entry> entries_
      KMS_GUARDED_BY(mutex_);  // by key ARN; the default policy by account
};

}  // namespace kms::auth
