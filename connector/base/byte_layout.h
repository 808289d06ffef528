#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"

namespace kms {

// What our ciphertexts and tokens are made of: bytes, big-endian numbers, and bytes or text behind
// their size.

void put(Bytes& out, ByteView bytes);
/// The lowest `size` bytes of the value, 8 at most.
void put_number(Bytes& out, std::uint64_t value, std::size_t size);
/// Milliseconds since 1970, in 8 bytes.
void put_time(Bytes& out, Timestamp time);
/// The size in `size_bytes` bytes, then the bytes: the caller knows that the size has room there.
void put_sized(Bytes& out, ByteView bytes, std::size_t size_bytes);

/// Takes parts off the front of bytes that anybody may have sent. Once something is missing,
/// everything behind it is: what was taken counts only while good().
class ByteReader final {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  ByteView take(std::size_t size);
  std::uint64_t number(std::size_t size);
  Timestamp time();
  ByteView sized(std::size_t size_bytes);
  std::string sized_text(std::size_t size_bytes);
  [[nodiscard]] ByteView rest() const { return rest_; }
  [[nodiscard]] bool good() const { return good_; }
  /// Nothing was missing, and nothing is left.
  [[nodiscard]] bool ended() const { return good_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool good_ = true;
};

}  // namespace kms
