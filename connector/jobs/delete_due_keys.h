#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connector/base/retry.h"
#include "connector/jobs/clock_guard.h"
#include "connector/jobs/scheduler.h"
#include "connector/operations/call.h"

namespace kms::jobs {

/// Deletes the keys whose waiting period is over and confirmed, with their aliases, and finishes
/// deletions that were interrupted. A key whose objects cannot be destroyed now is tried again: a
/// Region's until it works, a custom key store's for a day, while the store is CONNECTED; what
/// stays in a token after that is told in the key's DeleteKey event and by reconciliation. Not
/// thread-safe.
class KeyDeletion {
 public:
  KeyDeletion(const operations::Context& context, ClockGuard& guard);
  /// One round.
  void run(const StopFlag& stop);

 private:
  /// An object in a token.
  struct BackingKey {
    pkcs11::ObjectMaterial object;
    bool destroyed = false;
  };

  /// The key and its aliases disappear for callers; what follows is nobody's business but the
  /// token's.
  void begin(keys::KeyRecord& key);
  /// False if the token has to be waited for.
  bool finish(keys::KeyRecord key);
  static std::vector<BackingKey> backing_keys(const keys::KeyRecord& key);
  void destroy(const keys::KeyRecord& key, std::vector<BackingKey>& backing_keys);
  [[nodiscard]] bool may_come_back(const keys::KeyRecord& key) const;
  [[nodiscard]] std::string event(const keys::KeyRecord& key,
                                  const std::vector<BackingKey>& backing_keys) const;
  /// Whether the key's token is well, as far as this round knows.
  [[nodiscard]] bool ready(const keys::KeyRecord& key);
  /// Notes what failed in the log and tries the key again later.
  void put_off(const keys::KeyRecord& key, const std::string& why);

  const operations::Context& context_;
  ClockGuard& guard_;
  std::map<std::string, Retry> retries_;        // by the key's ARN
  std::optional<std::set<std::string>> ready_;  // tokens, by Region or custom key store
};

}  // namespace kms::jobs
