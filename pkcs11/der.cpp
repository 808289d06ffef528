#include "pkcs11/der.h"

#include <algorithm>

namespace pkcs11::der {
namespace {

constexpr std::size_t kShortLengths = 0x80;

}  // namespace

void put(Bytes& out, std::uint8_t tag, ByteView content) {
  out.push_back(tag);
  const std::size_t size = content.size();
  if (size >= 0x10000) {
    out.insert(out.end(), {0x83, static_cast<std::uint8_t>(size >> 16),
                           static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
  } else if (size >= 0x100) {
    out.insert(out.end(),
               {0x82, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
  } else if (size >= kShortLengths) {
    out.insert(out.end(), {0x81, static_cast<std::uint8_t>(size)});
  } else {
    out.push_back(static_cast<std::uint8_t>(size));
  }
  out.insert(out.end(), content.begin(), content.end());
}

void put_unsigned(Bytes& out, ByteView magnitude) {
  const auto first = std::ranges::find_if(magnitude, [](std::uint8_t byte) { return byte != 0; });
  Bytes number(first, magnitude.end());
  if (number.empty() || (number.front() & 0x80) != 0) number.insert(number.begin(), 0);
  put(out, kInteger, number);
}

std::optional<ByteView> take(ByteView& in, std::uint8_t tag) {
  if (in.size() < 2 || in[0] != tag) return std::nullopt;
  std::size_t size = in[1];
  std::size_t head = 2;
  if (size >= kShortLengths) {
    const std::size_t digits = size - kShortLengths;
    if (digits == 0 || digits > 3 || in.size() < head + digits) return std::nullopt;
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) size = size << 8 | in[head + i];
    if (in[head] == 0 || size < kShortLengths) return std::nullopt;
    head += digits;
  }
  if (in.size() - head < size) return std::nullopt;
  const ByteView content = in.subspan(head, size);
  in = in.subspan(head + size);
  return content;
}

std::optional<ByteView> take_unsigned(ByteView& in) {
  const auto number = take(in, kInteger);
  if (!number || number->empty() || (number->front() & 0x80) != 0) return std::nullopt;
  if (number->size() == 1 || number->front() != 0) return number;
  if (((*number)[1] & 0x80) == 0) return std::nullopt;
  return number->subspan(1);
}

}  // namespace pkcs11::der
