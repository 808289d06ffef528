#include "connector/base/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "connector/base/encodings.h"

namespace kms {

namespace {

void draw(std::span<std::uint8_t> out) {
  if (out.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    throw std::runtime_error("OpenSSL's random generator failed");
  }
}

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> out) {
  // Each request wants two ids, and a draw costs a microsecond and a system call whatever its size:
  // so a thread draws many ids at once. Each byte is handed out once and wiped.
  constexpr std::size_t kStock = 1024;
  thread_local std::array<std::uint8_t, kStock> stock;
  thread_local std::size_t left = 0;
  if (out.size() > kStock / 8) return draw(out);
  if (left < out.size()) {
    left = 0;
    draw(stock);
    left = kStock;
  }
  const auto taken = std::span(stock).subspan(left - out.size(), out.size());
  std::ranges::copy(taken, out.begin());
  std::ranges::fill(taken, std::uint8_t{0});
  left -= out.size();
}

std::string make_uuid(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  random.fill(bytes);
  bytes[6] =
      static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);  // RFC 4122 section 4.4: version 4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);  // and its variant
  std::string text = to_hex(bytes);
  for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) text.insert(hyphen, 1, '-');
  return text;
}

std::string make_hex_id(Random& random, std::size_t bytes) {
  Bytes id(bytes);
  random.fill(id);
  return to_hex(id);
}

}  // namespace kms
