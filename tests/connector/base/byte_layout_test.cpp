#include "connector/base/byte_layout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace kms {
namespace {

TEST(ByteLayout, WritesNumbersBigEndianAndSizesFirst) {
  Bytes out;
  put_number(out, 0x0102030405060708, 8);
  put_number(out, 0x1234, 3);
  put_sized(out, as_bytes("ab"), 2);
  put_time(out, Timestamp(std::chrono::milliseconds(258)));
  EXPECT_EQ(out,
            (Bytes{1, 2, 3, 4, 5, 6, 7, 8, 0, 0x12, 0x34, 0, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 1, 2}));
}

TEST(ByteReader, GivesBackWhatWasPut) {
  Bytes out;
  put(out, as_bytes("head"));
  put_number(out, 0xFEDCBA98, 4);
  put_time(out, Timestamp(std::chrono::milliseconds(-1)));
  put_sized(out, as_bytes("text"), 1);
  put(out, as_bytes("rest"));

  ByteReader reader(out);
  EXPECT_EQ(reader.take(4).size(), 4U);
  EXPECT_EQ(reader.number(4), 0xFEDCBA98U);
  EXPECT_EQ(reader.time(), Timestamp(std::chrono::milliseconds(-1)));
  EXPECT_EQ(reader.sized_text(1), "text");
  EXPECT_TRUE(reader.good());
  EXPECT_FALSE(reader.ended());
  EXPECT_EQ(reader.rest().size(), 4U);
  EXPECT_EQ(reader.take(4).size(), 4U);
  EXPECT_TRUE(reader.ended());
}

TEST(ByteReader, HasNothingMoreOnceSomethingIsMissing) {
  const Bytes bytes{9, 1, 2, 3};  // a size of nine, and three bytes
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.sized(1).empty());
  EXPECT_FALSE(reader.good());
  EXPECT_FALSE(reader.ended());
  EXPECT_EQ(reader.number(1), 0U);
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_FALSE(reader.good());
}

}  // namespace
}  // namespace kms
