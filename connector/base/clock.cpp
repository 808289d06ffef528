#include "connector/base/clock.h"

#include <array>
#include <string_view>

namespace kms {
namespace {

/// Civil time in fixed-width fields; `put` fills them into a template such as
/// "0000-00-00T00:00:00Z".
struct Civil {
  explicit Civil(Timestamp time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
    year = static_cast<unsigned>(static_cast<int>(date.year()));
    month = static_cast<unsigned>(date.month());
    day_of_month = static_cast<unsigned>(date.day());
    hour = static_cast<unsigned>(clock.hours().count());
    minute = static_cast<unsigned>(clock.minutes().count());
    second = static_cast<unsigned>(clock.seconds().count());
  }
  unsigned year = 0;
  unsigned month = 0;
  unsigned day_of_month = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

void put(std::string& text, std::size_t at, std::size_t width, unsigned value) {
  for (std::size_t i = at + width; i-- > at; value /= 10) {
    text[i] = static_cast<char>('0' + value % 10);
  }
}

/// Fills the six fields in, each at its place in the template.
std::string fill(std::string text, const Civil& civil, const std::array<std::size_t, 6>& places) {
  put(text, places[0], 4, civil.year);
  put(text, places[1], 2, civil.month);
  put(text, places[2], 2, civil.day_of_month);
  put(text, places[3], 2, civil.hour);
  put(text, places[4], 2, civil.minute);
  put(text, places[5], 2, civil.second);
  return text;
}

}  // namespace

Timestamp SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) + offset_;
}

std::string iso8601_basic(Timestamp time) {
  return fill("00000000T000000Z", Civil(time), {0, 4, 6, 9, 11, 13});
}

std::string iso8601_extended(Timestamp time) {
  return fill("0000-00-00T00:00:00Z", Civil(time), {0, 5, 8, 11, 14, 17});
}

std::string http_date(Timestamp time) {
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::weekday day{std::chrono::floor<std::chrono::days>(time)};
  const Civil civil(time);
  std::string text = fill("Day, 00 Mon 0000 00:00:00 GMT", civil, {12, 8, 5, 17, 20, 23});
  text.replace(0, 3, kDays.substr(std::size_t{3} * day.c_encoding(), 3));
  text.replace(8, 3, kMonths.substr(std::size_t{3} * (civil.month - 1), 3));  // over its number
  return text;
}

}  // namespace kms
