#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "pkcs11/mutex.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// The PINs that tokens refused since this process began, by a hash under a key that dies with it.
/// It holds even where the durable record (PinRefusals) could not be written. Thread-safe.
class RefusedPins final {
 public:
  RefusedPins();
  ~RefusedPins();
  RefusedPins(const RefusedPins&) = delete;
  RefusedPins& operator=(const RefusedPins&) = delete;
  RefusedPins(RefusedPins&&) = delete;
  RefusedPins& operator=(RefusedPins&&) = delete;

  [[nodiscard]] std::optional<Failure> refused(const std::string& serial, ByteView pin) const;
  void record(const std::string& serial, ByteView pin, Failure failure);
  /// All refusals for this reason.
  void forget(Failure failure);

 private:
  using Hash = std::array<std::uint8_t, 32>;
  [[nodiscard]] Hash hash(const std::string& serial, ByteView pin) const;

  const SecretBytes key_;
  mutable Mutex mutex_;
  std::map<Hash, Failure> refused_ KMS_GUARDED_BY(mutex_);
};

}  // namespace pkcs11
