#include "connector/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace kms {
namespace {

class Constant final : public Random {
 public:
  explicit Constant(std::uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), byte_); }

 private:
  std::uint8_t byte_;
};

TEST(Uuid, CarriesVersionAndVariant) {
  Constant ones{0xFF};
  EXPECT_EQ(make_uuid(ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  Constant zeros{0x00};
  EXPECT_EQ(make_uuid(zeros), "00000000-0000-4000-8000-000000000000");
}

TEST(HexId, HasTwoDigitsAByte) {
  Constant random{0xA5};
  EXPECT_EQ(make_hex_id(random, 3), "a5a5a5");
  EXPECT_EQ(make_hex_id(random, 0), "");
}

TEST(SystemRandom, DoesNotRepeatItself) {
  SystemRandom random;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(make_uuid(random));
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace kms
