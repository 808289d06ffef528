#pragma once

#include <cstddef>

#include "pkcs11/secret_bytes.h"

namespace pkcs11 {

/// A secret that is needed again for as long as it is in use (a PIN, for the next login), kept as
/// two random halves that give it only together: it does not stand in the process's memory between
/// its uses, where a stray copy of that memory would show it. No protection from who can run code
/// here or computes it from the whole image.
class SplitSecret {
 public:
  SplitSecret() noexcept = default;
  /// Not explicit: wherever a secret is given to be kept.
  SplitSecret(SecretBytes secret);  // NOLINT(google-explicit-constructor)

  /// A copy, to be dropped as soon as it was used.
  [[nodiscard]] SecretBytes join() const;
  [[nodiscard]] SplitSecret clone() const { return join(); }
  [[nodiscard]] std::size_t size() const noexcept { return mask_.size(); }
  [[nodiscard]] bool empty() const noexcept { return mask_.empty(); }

 private:
  SecretBytes mask_;
  SecretBytes masked_;
};

}  // namespace pkcs11
