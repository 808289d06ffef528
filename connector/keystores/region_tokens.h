#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/config.h"
#include "connector/keystores/key_stores.h"
#include "connector/keystores/token_key_store.h"

namespace kms::keystores {

/// The tokens of the Regions: opened side by side at the start and, while absent, tried again in
/// the background. A PIN that a token has refused is not tried again.
class RegionTokens {
 public:
  RegionTokens(const config::Config& config, pkcs11::Modules& modules,
               std::shared_ptr<pkcs11::PinRefusals> pin_refusals,
               const TokenKeyStore::Shared& shared);
  ~RegionTokens();
  RegionTokens(const RegionTokens&) = delete;
  RegionTokens& operator=(const RegionTokens&) = delete;

  /// Returns when each token is open or its first attempt has failed, or after `patience`.
  void start(std::chrono::milliseconds patience);
  /// Ends all waiting for tokens that are not there; the open ones still work.
  void cancel();
  void stop();

  /// KMSInternalException while the token is absent; whether it is, the first attempt to open it
  /// tells.
  [[nodiscard]] std::shared_ptr<KeyStore> key_store(const std::string& region) const;
  /// Waits for the token. Throws pkcs11::Error{token_absent}.
  [[nodiscard]] pkcs11::Token& token(const std::string& region, pkcs11::Deadline deadline) const;
  [[nodiscard]] std::vector<TokenStatus> status() const;
  /// Calls it for each open token.
  void for_each_open(
      const std::function<void(const std::string& region, const TokenHandle&)>& visit) const;

 private:
  struct Slot;
  void work(Slot& slot);
  /// False if it is to stop before.
  bool wait_until(pkcs11::Deadline time);
  /// Whether another attempt makes sense.
  bool open(Slot& slot);

  pkcs11::Modules& modules_;
  const std::shared_ptr<pkcs11::PinRefusals> pin_refusals_;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;  // fixed once made
  mutable Mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ KMS_GUARDED_BY(mutex_) = false;
  std::size_t attempted_ KMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace kms::keystores
