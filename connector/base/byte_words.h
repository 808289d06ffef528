#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// Eight bytes of a text looked at in one step, for the scans that every request makes of all it
// says.
namespace kms {

/// Bytes side by side, in whatever order.
class ByteWord {
 public:
  static constexpr std::size_t kSize = sizeof(std::uint64_t);

  /// The first eight bytes of a text that has as many.
  explicit ByteWord(std::string_view text) noexcept {
    std::memcpy(&bits_, text.data(), sizeof bits_);
  }

  /// Whether a byte is less than `limit`, which is at most 0x80.
  [[nodiscard]] constexpr bool any_below(std::uint8_t limit) const noexcept {
    return ((bits_ - kOnes * limit) & ~bits_ & kHighBits) != 0;
  }
  [[nodiscard]] constexpr bool any(char c) const noexcept {
    const std::uint64_t zero_where_it_is = bits_ ^ (kOnes * static_cast<std::uint8_t>(c));
    return ((zero_where_it_is - kOnes) & ~zero_where_it_is & kHighBits) != 0;
  }
  [[nodiscard]] constexpr bool any_beyond_ascii() const noexcept {
    return (bits_ & kHighBits) != 0;
  }

 private:
  static constexpr std::uint64_t kOnes = 0x0101010101010101;
  static constexpr std::uint64_t kHighBits = kOnes * 0x80;

  std::uint64_t bits_ = 0;
};

/// How many bytes at the beginning make whole words of which `stop` is false: what is to be looked
/// at byte by byte stands behind them.
template <class Stop>
std::size_t skip_words(std::string_view text, const Stop& stop) noexcept {
  std::size_t i = 0;
  while (text.size() - i >= ByteWord::kSize && !stop(ByteWord(text.substr(i)))) {
    i += ByteWord::kSize;
  }
  return i;
}

}  // namespace kms
