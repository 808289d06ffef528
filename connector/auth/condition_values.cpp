#include "connector/auth/condition_values.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <span>

#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4InIpv6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// The digits from `at` on, as many as `size`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t size) {
  if (at + size > text.size() || text.substr(at, size).starts_with('-')) return std::nullopt;
  int value = 0;
  const char* const begin = text.data() + at;
  const auto [end, fault] = std::from_chars(begin, begin + size, value);
  if (fault != std::errc{} || end != begin + size) return std::nullopt;
  return value;
}

/// "+02:00" or "Z" in seconds; nullopt for anything else.
std::optional<double> zone(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = digits(text, 1, 2);
  const auto minutes = digits(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1.0 : 1.0) * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::optional<double> number_of(std::string_view text) {
  // from_chars() reads "inf" and "nan" too.
  if (text.find_first_not_of("-.0123456789") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, fault] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> date_of(std::string_view text) {
  if (text.find('-', 1) == std::string_view::npos) return number_of(text);
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year(*year),
                                        std::chrono::month(static_cast<unsigned>(*month)),
                                        std::chrono::day(static_cast<unsigned>(*day))};
  if (!ymd.ok()) return std::nullopt;
  double seconds =
      static_cast<double>(std::chrono::sys_days(ymd).time_since_epoch().count()) * 86400.0;
  if (text.size() == 10) return seconds;
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  if (text[10] != 'T' || !hour || !minute || text[13] != ':' || *hour > 23 || *minute > 59) {
    return std::nullopt;
  }
  seconds += *hour * 3600 + *minute * 60;
  std::size_t at = 16;
  if (at < text.size() && text[at] == ':') {
    const std::size_t end = std::min(text.find_first_of("Z+-", at), text.size());
    const auto second = number_of(text.substr(at + 1, end - at - 1));
    if (!second || *second < 0 || *second >= 61) return std::nullopt;
    seconds += *second;
    at = end;
  }
  const auto offset = zone(text.substr(at));
  if (!offset) return std::nullopt;
  return seconds - *offset;
}

std::optional<bool> truth_of(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::optional<Address> address_of(const std::string& text) {
  Address bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  std::ranges::copy(kIpv4InIpv6, bytes.begin());
  if (inet_pton(AF_INET, text.c_str(), &bytes[12]) == 1) return bytes;
  return std::nullopt;
}

std::optional<Network> network_of(std::string_view text) {
  constexpr std::size_t kIpv4Offset = 96;
  const auto slash = text.find('/');
  const std::string host(text.substr(0, slash));
  const auto bytes = address_of(host);
  if (!bytes) return std::nullopt;
  Network result{.bytes = *bytes};
  if (slash == std::string_view::npos) return result;
  const std::size_t first = host.find(':') == std::string::npos ? kIpv4Offset : 0;
  const auto bits = digits(text, slash + 1, text.size() - slash - 1);
  if (!bits || first + static_cast<std::size_t>(*bits) > 128) return std::nullopt;
  result.bits = first + static_cast<std::size_t>(*bits);
  return result;
}

bool in_network(const Network& network, const Address& host) {
  // "::/0" is all of IPv6 and nothing of IPv4, which AWS asks to be named by itself.
  const bool is_ipv4 = std::ranges::equal(std::span(host).first(12), kIpv4InIpv6);
  if (is_ipv4 && network.bits < kIpv4InIpv6.size() * 8) return false;
  for (std::size_t bit = 0; bit < network.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((network.bytes[bit / 8] ^ host[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace kms::auth
