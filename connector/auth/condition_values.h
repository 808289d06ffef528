#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The values that condition operators compare, out of the text of policies and requests; nullopt
// for what is none.
namespace kms::auth {

/// A decimal number.
std::optional<double> number_of(std::string_view text);

/// Seconds since 1970 of ISO 8601 ("2026-11-24", "2026-11-24T01:02Z", "...:03.5+02:00"; W3C's
/// profile) or of an epoch time.
std::optional<double> date_of(std::string_view text);

/// "true" or "false", in upper or lower case.
std::optional<bool> truth_of(std::string_view text);

/// IPv4 stands as IPv6 writes it ("::ffff:192.0.2.1").
using Address = std::array<std::uint8_t, 16>;
std::optional<Address> address_of(const std::string& text);

struct Network {
  Address bytes{};
  std::size_t bits = 128;
};
/// "192.0.2.0/24"; an address alone is a network of one.
std::optional<Network> network_of(std::string_view text);
bool in_network(const Network& network, const Address& host);

}  // namespace kms::auth
