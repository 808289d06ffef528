#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "pkcs11/signature_scheme.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// Something about a token that is found out when it is first needed. Thread-safe.
template <class Enum>
class Finding final {
 public:
  [[nodiscard]] std::optional<Enum> get() const noexcept {
    const unsigned found = found_;
    if (found == 0) return std::nullopt;
    return static_cast<Enum>(found - 1);
  }
  Enum set(Enum value) noexcept {
    found_ = static_cast<unsigned>(value) + 1;
    return value;
  }

 private:
  std::atomic<unsigned> found_{0};
};

/// How a token signs a message, as against its digest.
enum class MessageSigning : std::uint8_t {
  none,
  whole,         // hashing is part of the algorithm
  combined,      // one mechanism hashes and signs
  digest_first,  // C_Digest, and then the signature of that
};

enum class Ability : std::uint8_t { no, yes };

struct Findings {
  /// With a key-encryption key (1) and without (0).
  std::array<std::array<Finding<Holding>, kKeyKinds>, 2> holding;
  std::array<Finding<MessageSigning>, kSignatureSchemes> message_signing;
  std::array<Finding<Ability>, kSignatureSchemes> digest_signing;
  std::array<Finding<OaepMethod>, 2> oaep;  // by OaepHash
};

}  // namespace pkcs11
