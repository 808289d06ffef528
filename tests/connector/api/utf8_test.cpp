#include "connector/api/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace kms::api {
namespace {

TEST(Utf8, CountsCodePointsAtEveryOffset) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t after = 0; after < 20; ++after) {
      const auto around = [&](std::string_view middle) {
        return std::string(before, 'a').append(middle).append(std::string(after, 'b'));
      };
      EXPECT_EQ(count_code_points(around("\u00e4\u20ac\U0001F600")), before + 3 + after);
      EXPECT_EQ(count_code_points(around("\x80")), std::nullopt);
      EXPECT_EQ(count_code_points(around("\xe2\x82")), std::nullopt);
      EXPECT_EQ(count_code_points(around("\xed\xa0\x80")), std::nullopt);
    }
  }
}

/// Every code point in UTF-8 is accepted, and so are no surrogates.
TEST(Utf8, TakesEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    const auto put = [&text](char32_t byte) {
      text.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0 | c >> 6), put(0x80 | (c & 63));
    } else if (c < 0x10000) {
      put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    } else {
      put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)),
          put(0x80 | (c & 63));
    }
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(count_code_points(text).has_value(), !surrogate) << static_cast<std::uint32_t>(c);
    if (surrogate) continue;
    std::string_view rest = text;
    ASSERT_EQ(take_code_point(rest), c);
    ASSERT_TRUE(rest.empty());
  }
}

}  // namespace
}  // namespace kms::api
