#include "connector/base/byte_words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace kms {
namespace {

constexpr std::array<std::uint8_t, 3> kLimits{0x20, 0x21, 0x80};

bool below(char c, std::uint8_t limit) { return static_cast<unsigned char>(c) < limit; }

TEST(ByteWord, TellsOfEachByteWhateverStandsBesideIt) {
  // Neighbours that a borrow or carry could come from.
  for (const char neighbour : {'a', '\0', '\x1f', ' ', '!', '\x7f', '\x80', '\xff'}) {
    for (std::size_t place = 0; place < ByteWord::kSize; ++place) {
      for (int value = 0; value < 256; ++value) {
        std::string text(ByteWord::kSize, neighbour);
        text[place] = static_cast<char>(value);
        const ByteWord word(text);
        for (const std::uint8_t limit : kLimits) {
          ASSERT_EQ(word.any_below(limit),
                    std::ranges::any_of(text, [&](char c) { return below(c, limit); }))
              << testing::PrintToString(text) << " " << int{limit};
        }
        for (const char wanted : {'"', '\\', '\x7f'}) {
          ASSERT_EQ(word.any(wanted), text.find(wanted) != std::string::npos)
              << testing::PrintToString(text) << " " << wanted;
        }
        ASSERT_EQ(word.any_beyond_ascii(),
                  std::ranges::any_of(text, [](char c) { return !below(c, 0x80); }))
            << testing::PrintToString(text);
      }
    }
  }
}

TEST(ByteWord, LooksAtTheFirstEightBytesOnly) {
  EXPECT_FALSE(ByteWord("12345678\"").any('"'));
  EXPECT_TRUE(ByteWord("1234567\"").any('"'));
}

}  // namespace
}  // namespace kms
