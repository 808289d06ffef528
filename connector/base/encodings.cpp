#include "connector/base/encodings.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "connector/base/byte_words.h"

namespace kms {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoDigit = 0xFF;
using DigitTable = std::array<std::uint8_t, 256>;

constexpr DigitTable digits_of(std::string_view alphabet) {
  DigitTable table{};
  table.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr DigitTable hex_digits() {
  DigitTable table = digits_of(kHexDigits);
  for (unsigned char c = 'A'; c <= 'F'; ++c) table[c] = static_cast<std::uint8_t>(c - 'A' + 10);
  return table;
}

constexpr DigitTable kHexValues = hex_digits();
constexpr DigitTable kBase64Values = digits_of(kBase64);
constexpr DigitTable kBase64UrlValues = digits_of(kBase64Url);

std::uint32_t value_of(const DigitTable& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

/// Room for all digits and padding is in `out`; the result is what was written.
std::size_t encode64(ByteView in, std::string_view alphabet, char* out) {
  char* const start = out;
  std::size_t i = 0;
  for (; i + 3 <= in.size(); i += 3) {
    const std::uint32_t group =
        std::uint32_t{in[i]} << 16 | std::uint32_t{in[i + 1]} << 8 | std::uint32_t{in[i + 2]};
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    *out++ = alphabet[group >> 6 & 63];
    *out++ = alphabet[group & 63];
  }
  if (const std::size_t rest = in.size() - i; rest != 0) {
    const std::uint32_t group =
        std::uint32_t{in[i]} << 16 | (rest == 2 ? std::uint32_t{in[i + 1]} << 8 : 0U);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    if (rest == 2) *out++ = alphabet[group >> 6 & 63];
  }
  return static_cast<std::size_t>(out - start);
}

std::optional<Bytes> decode64(std::string_view digits, const DigitTable& table) {
  const std::size_t rest = digits.size() % 4;
  if (rest == 1) return std::nullopt;
  Bytes bytes(digits.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1));
  auto out = bytes.begin();
  std::uint32_t bad = 0;
  std::size_t i = 0;
  for (; i + 4 <= digits.size(); i += 4) {
    const std::uint32_t a = value_of(table, digits[i]);
    const std::uint32_t b = value_of(table, digits[i + 1]);
    const std::uint32_t c = value_of(table, digits[i + 2]);
    const std::uint32_t d = value_of(table, digits[i + 3]);
    bad |= (a | b | c | d) & 0x80;
    const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
    *out++ = static_cast<std::uint8_t>(group >> 16);
    *out++ = static_cast<std::uint8_t>(group >> 8);
    *out++ = static_cast<std::uint8_t>(group);
  }
  if (rest != 0) {
    const std::uint32_t a = value_of(table, digits[i]);
    const std::uint32_t b = value_of(table, digits[i + 1]);
    const std::uint32_t c = rest == 3 ? value_of(table, digits[i + 2]) : 0;
    bad |= (a | b | c) & 0x80;
    const std::uint32_t group = a << 18 | b << 12 | c << 6;
    // Bits of the last digit that carry no data must be zero, or two texts would name the same
    // bytes.
    bad |= group & (rest == 3 ? 0xFFU : 0xFFFFU);
    *out++ = static_cast<std::uint8_t>(group >> 16);
    if (rest == 3) *out++ = static_cast<std::uint8_t>(group >> 8);
  }
  if (bad != 0) return std::nullopt;
  return bytes;
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// OpenSSL 3 looks the algorithm up anew in each one-shot call, at several times the cost of the
/// digest itself; so it is fetched once, and lives as long as the process.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) throw std::runtime_error("OpenSSL offers no SHA-256");
  return algorithm;
}

class Digest {
 public:
  /// One context a thread: making one costs as much as a short digest.
  static Digest& of_this_thread() {
    thread_local Digest digest;
    return digest;
  }

  Sha256 of(ByteView first, ByteView second = {}) {
    Sha256 result{};
    if (context_ == nullptr ||
        EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), first.data(), first.size()) != 1 ||
        EVP_DigestUpdate(context_.get(), second.data(), second.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), result.data(), nullptr) != 1) {
      throw std::runtime_error("OpenSSL failed in SHA-256");
    }
    return result;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context_{EVP_MD_CTX_new()};
};

/// Length of the well-formed UTF-8 sequence that `text` starts with (Unicode table 3-7), or 0; then
/// `skip` bytes are replaced by one U+FFFD (the maximal subpart, Unicode section 3.9).
struct Sequence {
  std::size_t length = 0;
  std::size_t skip = 1;
};

Sequence utf8_sequence(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || at(i) < low || at(i) > high) return {.length = 0, .skip = i};
    low = 0x80;
    high = 0xBF;
  }
  return {.length = length, .skip = 0};
}

enum class JsonClass : std::uint8_t { plain, escaped, multibyte };

constexpr std::array<JsonClass, 256> json_classes() {
  std::array<JsonClass, 256> classes{};
  for (std::size_t c = 0; c < 0x20; ++c) classes[c] = JsonClass::escaped;
  for (std::size_t c = 0x80; c < 0x100; ++c) classes[c] = JsonClass::multibyte;
  classes['"'] = JsonClass::escaped;
  classes['\\'] = JsonClass::escaped;
  return classes;
}

constexpr auto kJsonClasses = json_classes();

JsonClass json_class(char c) noexcept { return kJsonClasses[static_cast<unsigned char>(c)]; }

/// In a table, so that no byte of a text is copied to anywhere but its destination.
struct JsonEscape {
  std::array<char, 6> text{};
  std::size_t size = 0;
};

constexpr std::array<JsonEscape, 128> json_escapes() {
  std::array<JsonEscape, 128> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) {
    escapes[c] = {.text = {'\\', 'u', '0', '0', kHexDigits[c >> 4], kHexDigits[c & 15]}, .size = 6};
  }
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  for (std::size_t i = 0; i < kEscaped.size(); ++i) {
    escapes[static_cast<unsigned char>(kEscaped[i])] = {.text = {'\\', kLetters[i]}, .size = 2};
  }
  return escapes;
}

constexpr auto kJsonEscapes = json_escapes();

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text(bytes.size() * 2, '\0');
  auto out = text.begin();
  for (const std::uint8_t byte : bytes) {
    *out++ = kHexDigits[byte >> 4];
    *out++ = kHexDigits[byte & 15];
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes(text.size() / 2);
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t high = value_of(kHexValues, text[2 * i]);
    const std::uint32_t low = value_of(kHexValues, text[2 * i + 1]);
    bad |= (high | low) & 0x80;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (bad != 0) return std::nullopt;
  return bytes;
}

std::string to_base64(ByteView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  encode64(bytes, kBase64, text.data());
  return text;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, kBase64Values);
}

std::string to_base64url(ByteView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  text.resize(encode64(bytes, kBase64Url, text.data()));
  return text;
}

std::optional<Bytes> from_base64url(std::string_view text) {
  return decode64(text, kBase64UrlValues);
}

Sha256 sha256(ByteView bytes) { return Digest::of_this_thread().of(bytes); }

// RFC 2104 over the digest above. EVP_MAC with a context for each call costs more than twice as
// much, and a context kept for reuse would keep the last key in memory.
Sha256 hmac_sha256(ByteView key, ByteView message) {
  constexpr std::size_t kBlock = 64;
  Digest& digest = Digest::of_this_thread();
  std::array<std::uint8_t, kBlock> inner{};
  if (key.size() > kBlock) {
    const Sha256 shorter = digest.of(key);
    std::copy(shorter.begin(), shorter.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<std::uint8_t, kBlock> outer = inner;
  for (std::uint8_t& byte : inner) byte ^= 0x36;
  for (std::uint8_t& byte : outer) byte ^= 0x5C;
  const Sha256 result = digest.of(outer, digest.of(inner, message));
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  return result;
}

bool equal_in_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::size_t json_plain_prefix(std::string_view text) noexcept {
  std::size_t i = skip_words(text, [](ByteWord word) {
    return word.any_below(0x20) || word.any('"') || word.any('\\') || word.any_beyond_ascii();
  });
  while (i < text.size() && json_class(text[i]) == JsonClass::plain) ++i;
  return i;
}

std::string_view json_escape(char c) noexcept {
  const JsonEscape& escape = kJsonEscapes[static_cast<unsigned char>(c)];
  return {escape.text.data(), escape.size};
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  std::size_t i = json_plain_prefix(text);
  if (i == text.size()) {
    // Nearly all there is; by one append.
    const std::size_t at = out.size();
    out.append(text.size() + 2, '"');
    text.copy(&out[at + 1], text.size());
    return;
  }
  out += '"';
  std::size_t copied = 0;  // text before it is in `out`
  while ((i += json_plain_prefix(text.substr(i))) < text.size()) {
    if (json_class(text[i]) == JsonClass::escaped) {
      out.append(text, copied, i - copied);
      out.append(json_escape(text[i]));
      copied = ++i;
      continue;
    }
    const Sequence sequence = utf8_sequence(text.substr(i));
    if (sequence.length != 0) {
      i += sequence.length;
      continue;
    }
    out.append(text, copied, i - copied);
    out += "\xEF\xBF\xBD";
    i += sequence.skip;
    copied = i;
  }
  out.append(text, copied);
  out += '"';
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = to_lower(c);
  return lower;
}

bool equal_letters_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

}  // namespace kms
