#include "connector/keys/ciphertext.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "connector/base/byte_layout.h"
#include "connector/base/encodings.h"

namespace kms::keys {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{'k', 'm', 's', 1};  // the last byte is the version
constexpr std::size_t kKeyIdBytes = 16;
constexpr std::size_t kMaterialIdBytes = 32;
constexpr std::size_t kAccountDigits = 12;
constexpr std::string_view kMultiRegionPrefix = "mrk-";
constexpr std::size_t kUsualBytes = 128;  // of a header and what else is short

enum class KeyIdForm : std::uint8_t { uuid = 0, multi_region = 1 };

void put_header(Bytes& out, const CiphertextHeader& header) {
  put(out, kMagic);
  out.push_back(static_cast<std::uint8_t>(header.suite));
  const bool multi_region = header.key_id.starts_with(kMultiRegionPrefix);
  out.push_back(
      static_cast<std::uint8_t>(multi_region ? KeyIdForm::multi_region : KeyIdForm::uuid));
  std::string digits =
      multi_region ? header.key_id.substr(kMultiRegionPrefix.size()) : header.key_id;
  std::erase(digits, '-');
  put(out, from_hex(digits).value());
  std::uint64_t account = 0;
  std::from_chars(header.account.data(), header.account.data() + header.account.size(), account);
  put_number(out, account, 8);
  put_sized(out, as_bytes(header.region), 1);
  put(out, from_hex(header.material_id).value());
  put_number(out, header.generation, 4);
}

std::string key_id_text(KeyIdForm form, ByteView bytes) {
  std::string hex = to_hex(bytes);
  if (form == KeyIdForm::multi_region) return std::string(kMultiRegionPrefix) + hex;
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
  return hex;
}

std::optional<CiphertextHeader> read_header(ByteReader& reader) {
  if (!std::ranges::equal(reader.take(kMagic.size()), kMagic)) return std::nullopt;
  const std::uint64_t suite = reader.number(1);
  const std::uint64_t form = reader.number(1);
  const ByteView key_id = reader.take(kKeyIdBytes);
  const std::uint64_t account = reader.number(8);
  std::string region = reader.sized_text(1);
  const ByteView material_id = reader.take(kMaterialIdBytes);
  const std::uint64_t generation = reader.number(4);
  if (!reader.good()) return std::nullopt;
  if (suite != static_cast<std::uint64_t>(Suite::aes_256_gcm)) return std::nullopt;
  if (form > static_cast<std::uint64_t>(KeyIdForm::multi_region)) return std::nullopt;
  std::string digits = std::to_string(account);
  if (digits.size() > kAccountDigits) return std::nullopt;
  digits.insert(0, kAccountDigits - digits.size(), '0');
  return CiphertextHeader{.suite = static_cast<Suite>(suite),
                          .account = std::move(digits),
                          .region = std::move(region),
                          .key_id = key_id_text(static_cast<KeyIdForm>(form), key_id),
                          .material_id = to_hex(material_id),
                          .generation = static_cast<std::uint32_t>(generation)};
}

}  // namespace

Bytes encode(const CiphertextHeader& header, ByteView iv, ByteView data) {
  Bytes blob;
  blob.reserve(kUsualBytes + data.size());
  put_header(blob, header);
  put_sized(blob, iv, 1);
  put(blob, data);
  return blob;
}

std::optional<Ciphertext> parse_ciphertext(ByteView blob) {
  ByteReader reader(blob);
  auto header = read_header(reader);
  if (!header) return std::nullopt;
  const ByteView iv = reader.sized(1);
  if (!reader.good() || iv.empty()) return std::nullopt;
  return Ciphertext{.header = std::move(*header),
                    .iv = Bytes(iv.begin(), iv.end()),
                    .data = Bytes(reader.rest().begin(), reader.rest().end())};
}

Bytes additional_data(const CiphertextHeader& header, const EncryptionContext& context) {
  // The header ends by itself and every string is preceded by its length, so no two inputs give the
  // same bytes. The map is in byte order, so the order in which the caller sent the pairs does not
  // matter.
  Bytes data;
  data.reserve(kUsualBytes);
  put_header(data, header);
  put_number(data, context.size(), 4);
  for (const auto& [name, value] : context) {
    put_sized(data, as_bytes(name), 4);
    put_sized(data, as_bytes(value), 4);
  }
  return data;
}

}  // namespace kms::keys
