#include "connector/api/utf8.h"

#include <cstdint>
#include <cstring>

namespace kms::api {
namespace {

constexpr bool between(unsigned char c, unsigned char low, unsigned char high) {
  return c >= low && c <= high;
}

/// How many bytes at the front are ASCII, in steps of eight: nearly all text is.
std::size_t ascii_prefix(std::string_view text) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t length = 0;
  for (std::uint64_t word = 0; length + sizeof(word) <= text.size(); length += sizeof(word)) {
    std::memcpy(&word, text.data() + length, sizeof(word));
    if ((word & kHighBits) != 0) break;
  }
  return length;
}

/// The length of the well-formed sequence at the front of non-empty text, or 0.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) -> unsigned char {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : '\0';
  };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const auto continues = [&](std::size_t i) { return between(at(i), 0x80, 0xBF); };
  if (between(lead, 0xC2, 0xDF)) return continues(1) ? 2 : 0;
  if (between(lead, 0xE0, 0xEF)) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return between(at(1), low, high) && continues(2) ? 3 : 0;
  }
  if (between(lead, 0xF0, 0xF4)) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
    return between(at(1), low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<std::size_t> count_code_points(std::string_view text) noexcept {
  std::size_t count = ascii_prefix(text);
  text.remove_prefix(count);
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
    ++count;
  }
  return count;
}

char32_t take_code_point(std::string_view& text) noexcept {
  const std::size_t length = sequence_length(text);
  const auto lead = static_cast<unsigned char>(text[0]);
  char32_t c = length <= 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  text.remove_prefix(length == 0 ? 1 : length);
  return c;
}

}  // namespace kms::api
