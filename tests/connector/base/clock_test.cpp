#include "connector/base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace kms {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Iso8601, WritesBothForms) {
  const Timestamp time{seconds{1'440'938'160}};
  EXPECT_EQ(iso8601_basic(time), "20150830T123600Z");
  EXPECT_EQ(iso8601_extended(time), "2015-08-30T12:36:00Z");
}

TEST(Iso8601, CutsMillisecondsAndKeepsLeadingZeros) {
  EXPECT_EQ(iso8601_extended(Timestamp{milliseconds{999}}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(iso8601_extended(Timestamp{seconds{951'782'399} + milliseconds{999}}),
            "2000-02-28T23:59:59Z");
  EXPECT_EQ(iso8601_extended(Timestamp{seconds{951'782'400}}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(iso8601_basic(Timestamp{milliseconds{-1}}), "19691231T235959Z");
}

TEST(HttpDate, IsAnImfFixdate) {
  EXPECT_EQ(http_date(Timestamp{seconds{1'440'938'160}}), "Sun, 30 Aug 2015 12:36:00 GMT");
  EXPECT_EQ(http_date(Timestamp{milliseconds{999}}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(Timestamp{milliseconds{-1}}), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, KnowsEveryDayAndMonthAsTheCLibraryDoes) {
  // 41 days are no whole number of weeks or months.
  for (std::int64_t day = 0; day < 366 * 8; day += 41) {
    const std::time_t time = day * 86400 + 3661;
    std::tm parts{};
    ASSERT_NE(gmtime_r(&time, &parts), nullptr);
    char text[64];
    ASSERT_NE(std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts), 0U);
    EXPECT_EQ(http_date(Timestamp{seconds{time}}), text);
  }
}

TEST(SystemClock, IsMovedByItsOffset) {
  const SystemClock here;
  const SystemClock there{std::chrono::hours{24}};
  const Timestamp before = here.now();
  const Timestamp moved = there.now();
  const Timestamp after = here.now();
  EXPECT_GE(moved, before + std::chrono::hours{24});
  EXPECT_LE(moved, after + std::chrono::hours{24});
}

}  // namespace
}  // namespace kms
