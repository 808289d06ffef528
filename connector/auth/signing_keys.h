#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connector/base/bytes.h"

namespace kms::auth {

/// The key that a caller signs with on one day, in one Region and for one service: derived from the
/// secret access key.
SecretBytes derive_signing_key(const SecretBytes& secret, std::string_view date,
                               std::string_view region, std::string_view service);

/// Keys derived from one secret, kept for each Region and service for the two latest days that were
/// asked for: the skew lets two days be valid around midnight. Grows with the Regions and services
/// that are asked for, which must be served ones. Thread-safe.
class SigningKeys {
 public:
  using Key = std::shared_ptr<const SecretBytes>;
  /// `day` and `date` ("20150830") are the same day.
  [[nodiscard]] Key get(const SecretBytes& secret, std::chrono::sys_days day, std::string_view date,
                        std::string_view region, std::string_view service);

 private:
  struct Dated {
    std::chrono::sys_days day{};
    Key key;
  };
  struct Slot {
    std::string region;
    std::string service;
    std::array<Dated, 2> days;  // by the parity of the day
  };
  Dated& dated(std::chrono::sys_days day, std::string_view region, std::string_view service)
      KMS_REQUIRES(mutex_);

  Mutex mutex_;
  std::vector<Slot> slots_ KMS_GUARDED_BY(mutex_);
};

}  // namespace kms::auth
