#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"

namespace kms::auth {

/// No temporary credentials live longer (GetSessionToken's longest).
constexpr std::chrono::hours kLongestSession{36};

/// The keys that session tokens of one hour are authenticated with. Each is derived once, in the
/// HSM, and kept as long as a token under it can be valid, so that what strangers send costs at
/// most one derivation for each such hour. Thread-safe.
class HourlyKeys {
 public:
  using Hour = std::int64_t;  // since the epoch
  /// The HSM's MAC of a message.
  using Derive = std::function<SecretBytes(ByteView message)>;
  using Key = std::shared_ptr<const SecretBytes>;

  /// `clock` outlives this. After a derivation that failed nothing is derived for `pause`.
  HourlyKeys(Derive derive, const Clock& clock,
             std::chrono::milliseconds pause = std::chrono::seconds{1});

  [[nodiscard]] Hour now() const;
  /// Null for an hour of which no token can be valid now. Throws KMSInternalException while the key
  /// is not known and cannot be derived.
  [[nodiscard]] Key get(Hour hour);

 private:
  [[nodiscard]] bool possible(Hour hour) const;
  Key derive(Hour hour) const;

  const Derive derive_;
  const Clock& clock_;
  const std::chrono::milliseconds pause_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::map<Hour, Key> keys_ KMS_GUARDED_BY(mutex_);
  bool deriving_ KMS_GUARDED_BY(mutex_) = false;
  std::optional<std::chrono::steady_clock::time_point> failed_ KMS_GUARDED_BY(mutex_);
};

}  // namespace kms::auth
