#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "connector/base/bytes.h"

namespace kms {

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
/// nullopt unless an even number of hexadecimal digits, of either case.
std::optional<Bytes> from_hex(std::string_view text);
/// Standard alphabet, padded (RFC 4648 section 4).
std::string to_base64(ByteView bytes);
/// Strict: standard alphabet, padded, canonical last character.
std::optional<Bytes> from_base64(std::string_view text);
/// URL-safe alphabet without padding, for opaque markers and tokens (RFC 4648 section 5).
std::string to_base64url(ByteView bytes);
std::optional<Bytes> from_base64url(std::string_view text);

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(ByteView bytes);
Sha256 hmac_sha256(ByteView key, ByteView message);
/// Constant time in the content, not in the length.
bool equal_in_constant_time(ByteView a, ByteView b) noexcept;

/// ASCII letters in lower case; everything else stays.
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text);
bool equal_letters_ignoring_case(std::string_view a, std::string_view b) noexcept;
inline bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  // Here, since most comparisons end with this.
  return a.size() == b.size() && equal_letters_ignoring_case(a, b);
}
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept;

/// How many bytes at the beginning stand for themselves in a JSON string, and are ASCII.
std::size_t json_plain_prefix(std::string_view text) noexcept;
/// What stands for a control character, a quote or a backslash in a JSON string: "\\n", "\\u001f".
std::string_view json_escape(char c) noexcept;
/// A JSON string literal, quotes included, of valid UTF-8; invalid bytes become U+FFFD.
std::string json_string(std::string_view text);
void append_json_string(std::string& out, std::string_view text);

}  // namespace kms
