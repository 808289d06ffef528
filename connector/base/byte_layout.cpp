#include "connector/base/byte_layout.h"

#include <chrono>

namespace kms {
namespace {

constexpr std::size_t kTimeBytes = 8;

}  // namespace

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_number(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_time(Bytes& out, Timestamp time) {
  put_number(out, static_cast<std::uint64_t>(time.time_since_epoch().count()), kTimeBytes);
}

void put_sized(Bytes& out, ByteView bytes, std::size_t size_bytes) {
  put_number(out, bytes.size(), size_bytes);
  put(out, bytes);
}

ByteView ByteReader::take(std::size_t size) {
  if (size > rest_.size()) {
    good_ = false;
    rest_ = {};
    return {};
  }
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::uint64_t ByteReader::number(std::size_t size) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : take(size)) value = value << 8U | byte;
  return value;
}

Timestamp ByteReader::time() {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(number(kTimeBytes))));
}

ByteView ByteReader::sized(std::size_t size_bytes) { return take(number(size_bytes)); }

std::string ByteReader::sized_text(std::size_t size_bytes) {
  const ByteView text = sized(size_bytes);
  return {text.begin(), text.end()};
}

}  // namespace kms
