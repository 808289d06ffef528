#include "connector/api/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "connector/api/utf8.h"

namespace kms::api {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<bool, 256> digits() {
  std::array<bool, 256> table{};
  for (const char c : kAlphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto kDigits = digits();

bool is_digit(char c) { return kDigits[static_cast<unsigned char>(c)]; }

std::size_t padding(std::string_view text) {
  return text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
}

/// Decodes faultless base64 of `text.size() / 4 * 3` bytes, padding included, into `out`.
void decode_into(std::string_view text, std::uint8_t* out) {
  if (text.empty()) return;
  const int written = EVP_DecodeBlock(out, reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (written < 0) throw std::logic_error("base64 was not checked before it was decoded");
}

}  // namespace

std::string base64_fault(std::string_view text, bool secret) {
  if (const std::size_t length = count_code_points(text).value_or(text.size()); length % 4 != 0) {
    return "Base64 encoded length is expected a multiple of 4 bytes but found: " +
           std::to_string(length);
  }
  const std::size_t pads = padding(text);
  const std::string_view digits = text.substr(0, text.size() - pads);
  if (const auto* fault = std::ranges::find_if_not(digits, is_digit); fault != digits.end()) {
    if (secret) return "Invalid Base64 character";
    const std::string_view before(fault, digits.end());
    std::string_view rest = before;
    take_code_point(rest);
    return "Invalid Base64 character: '" +
           std::string(before.substr(0, before.size() - rest.size())) + "'";
  }
  // The last digit before the padding carries bits that no byte takes: they must be zero.
  const std::size_t unused = pads == 1 ? 0x03 : pads == 2 ? 0x0F : 0;
  if (pads > 2 || (pads != 0 && (kAlphabet.find(digits.back()) & unused) != 0)) {
    return "Invalid last non-pad Base64 character dectected";  // sic
  }
  return {};
}

Bytes decode_base64(std::string_view text) {
  Bytes bytes(text.size() / 4 * 3);
  decode_into(text, bytes.data());
  bytes.resize(bytes.size() - padding(text));
  return bytes;
}

SecretBytes decode_secret_base64(std::string_view text) {
  SecretBytes bytes(text.size() / 4 * 3);
  decode_into(text, bytes.data());
  bytes.resize(bytes.size() - padding(text));
  return bytes;
}

void append_base64(SecretBytes& out, ByteView bytes) {
  if (bytes.empty()) return;
  const std::size_t start = out.size();
  const std::size_t length = (bytes.size() + 2) / 3 * 4;
  out.resize(start + length + 1);  // OpenSSL ends the text with a NUL
  EVP_EncodeBlock(out.data() + start, bytes.data(), static_cast<int>(bytes.size()));
  out.resize(start + length);
}

}  // namespace kms::api
