#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "pkcs11/mutex.h"

namespace kms::auth {

using pkcs11::Mutex;
using pkcs11::MutexLock;

/// Slows those who guess at signatures: beyond so many failures a minute of one access key from one
/// address, the answer to a further failure comes late. Right signatures never come here, so the
/// owner of the access key is not held up. Thread-safe; of a fixed size.
class GuessLimit {
 public:
  /// Beyond this many answers held back at a time, further ones are refusals at once.
  static constexpr std::size_t kMostSleepers = 4;
  static constexpr std::chrono::milliseconds kDelay{500};
  static constexpr std::size_t kEntries = 4096;

  using Time = std::chrono::steady_clock::time_point;
  struct Surroundings {
    std::function<Time()> now;
    std::function<void(std::chrono::milliseconds)> sleep;
    static Surroundings real();
  };

  /// `per_minute` 0: never slows.
  explicit GuessLimit(std::size_t per_minute, Surroundings surroundings = Surroundings::real());

  /// Counts a failed signature, and waits if it is one too many; the count, 0 without a limit.
  /// Throws ThrottlingException if too many wait already. `access_key_id` is empty for all that
  /// nobody has.
  std::size_t failed(std::string_view access_key_id, std::string_view address);

 private:
  struct Entry {
    std::uint64_t who = 0;  // a keyed hash
    Time since{};
    std::size_t count = 0;
  };
  std::size_t count(std::uint64_t who, Time now);

  std::size_t per_minute_;
  Surroundings surroundings_;
  std::array<std::uint8_t, 32> hash_key_{};
  Mutex mutex_;
  std::vector<Entry> entries_ KMS_GUARDED_BY(mutex_);
  std::size_t sleepers_ KMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace kms::auth
