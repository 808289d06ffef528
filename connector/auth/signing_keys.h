#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "connector/base/bytes.h"

namespace kms::auth {

/// The service that credentials must be scoped to.
constexpr std::string_view kService = "kms";

/// The key that a caller signs with on one day, in one Region and for one service: derived from the
/// secret access key.
SecretBytes derive_signing_key(const SecretBytes& secret, std::string_view date,
                               std::string_view region, std::string_view service);

/// Derived signing keys, kept for each access key and Region for the two latest days that were
/// asked for: the skew lets two days be valid around midnight, and no request can make it grow.
/// Thread-safe.
class SigningKeys {
 public:
  SigningKeys(std::size_t access_keys, std::size_t regions);

  using Key = std::shared_ptr<const SecretBytes>;
  /// `day` and `date` ("20150830") are the same day.
  [[nodiscard]] Key get(std::size_t access_key, std::size_t region, std::chrono::sys_days day,
                        const SecretBytes& secret, std::string_view date,
                        std::string_view region_name);

 private:
  struct Dated {
    std::chrono::sys_days day{};
    Key key;
  };
  struct Slot {
    Mutex mutex;
    std::array<Dated, 2> keys KMS_GUARDED_BY(mutex);  // by the parity of the day
  };

  std::size_t regions_;
  std::vector<Slot> slots_;
};

}  // namespace kms::auth
