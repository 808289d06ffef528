#pragma once

#include <chrono>
#include <condition_variable>
#include <thread>

#include "connector/base/bytes.h"

namespace kms {

/// Ends the process, with a status of its own, if it does not end by itself: nothing else gets a
/// thread out of a call into a PKCS#11 module that does not return.
class LastResort final {
 public:
  static constexpr int kStatus = 3;

  LastResort() = default;
  /// The end has come in time.
  ~LastResort();
  LastResort(const LastResort&) = delete;
  LastResort& operator=(const LastResort&) = delete;
  LastResort(LastResort&&) = delete;
  LastResort& operator=(LastResort&&) = delete;

  /// Once.
  void arm(std::chrono::milliseconds patience);

 private:
  void wait(std::chrono::steady_clock::time_point until);

  Mutex mutex_;
  std::condition_variable changed_;
  bool over_ KMS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kms
