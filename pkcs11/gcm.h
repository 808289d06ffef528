#pragma once

#include <cstddef>

namespace pkcs11 {

inline constexpr std::size_t kGcmIvBytes = 12;  // what we make, NIST SP 800-38D's recommendation
inline constexpr std::size_t kGcmIvMost = 16;   // what Luna makes
inline constexpr std::size_t kGcmTagBytes = 16;
inline constexpr std::size_t kAes256Bytes = 32;
inline constexpr std::size_t kAes256Wrapped = 40;  // RFC 5649: the key and one block of 8 bytes

/// IV lengths that a token of ours can have made. SoftHSM would take any, 0 included.
constexpr bool usable_gcm_iv(std::size_t bytes) {
  return bytes == kGcmIvBytes || bytes == kGcmIvMost;
}

}  // namespace pkcs11
