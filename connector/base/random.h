#pragma once

#include <span>
#include <string>

#include "connector/base/bytes.h"

namespace kms {

/// Randomness for identifiers (never for keys: those are made in the token). A constructor
/// argument.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

/// OpenSSL's generator.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

/// "1234abcd-12ab-4cde-8bcd-1234567890ab": a version 4 UUID (RFC 4122).
std::string make_uuid(Random& random);
/// `bytes` random bytes as lower-case hex.
std::string make_hex_id(Random& random, std::size_t bytes);

}  // namespace kms
