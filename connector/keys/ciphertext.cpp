#include "connector/keys/ciphertext.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "connector/base/encodings.h"

namespace kms::keys {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{'k', 'm', 's', 1};  // the last byte is the version
constexpr std::size_t kKeyIdBytes = 16;
constexpr std::size_t kMaterialIdBytes = 32;
constexpr std::size_t kAccountDigits = 12;
constexpr std::string_view kMultiRegionPrefix = "mrk-";

enum class KeyIdForm : std::uint8_t { uuid = 0, multi_region = 1 };

void put_big_endian(Bytes& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

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
  put_big_endian(out, account, 8);
  out.push_back(static_cast<std::uint8_t>(header.region.size()));
  put(out, as_bytes(header.region));
  put(out, from_hex(header.material_id).value());
  put_big_endian(out, header.generation, 4);
}

/// Takes bytes off the front; empty once it has run short.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  std::optional<ByteView> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::optional<std::uint64_t> big_endian(std::size_t size) {
    const auto bytes = take(size);
    if (!bytes) return std::nullopt;
    std::uint64_t value = 0;
    for (const std::uint8_t byte : *bytes) value = value << 8 | byte;
    return value;
  }
  [[nodiscard]] ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

std::string key_id_text(KeyIdForm form, ByteView bytes) {
  std::string hex = to_hex(bytes);
  if (form == KeyIdForm::multi_region) return std::string(kMultiRegionPrefix) + hex;
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
  return hex;
}

std::optional<CiphertextHeader> read_header(Reader& reader) {
  const auto magic = reader.take(kMagic.size());
  if (!magic || !std::ranges::equal(*magic, kMagic)) return std::nullopt;
  const auto suite = reader.big_endian(1);
  const auto form = reader.big_endian(1);
  const auto key_id = reader.take(kKeyIdBytes);
  const auto account = reader.big_endian(8);
  const auto region_size = reader.big_endian(1);
  if (!suite || !form || !key_id || !account || !region_size) return std::nullopt;
  if (*suite != static_cast<std::uint64_t>(Suite::aes_256_gcm)) return std::nullopt;
  if (*form > static_cast<std::uint64_t>(KeyIdForm::multi_region)) return std::nullopt;
  const auto region = reader.take(*region_size);
  const auto material_id = reader.take(kMaterialIdBytes);
  const auto generation = reader.big_endian(4);
  if (!region || !material_id || !generation) return std::nullopt;
  std::string digits = std::to_string(*account);
  if (digits.size() > kAccountDigits) return std::nullopt;
  digits.insert(0, kAccountDigits - digits.size(), '0');
  return CiphertextHeader{.suite = static_cast<Suite>(*suite),
                          .account = std::move(digits),
                          .region = std::string(region->begin(), region->end()),
                          .key_id = key_id_text(static_cast<KeyIdForm>(*form), *key_id),
                          .material_id = to_hex(*material_id),
                          .generation = static_cast<std::uint32_t>(*generation)};
}

}  // namespace

Bytes encode(const CiphertextHeader& header, ByteView iv, ByteView data) {
  Bytes blob;
  blob.reserve(96 + header.region.size() + iv.size() + data.size());
  put_header(blob, header);
  blob.push_back(static_cast<std::uint8_t>(iv.size()));
  put(blob, iv);
  put(blob, data);
  return blob;
}

std::optional<Ciphertext> parse_ciphertext(ByteView blob) {
  Reader reader(blob);
  auto header = read_header(reader);
  if (!header) return std::nullopt;
  const auto iv_size = reader.big_endian(1);
  if (!iv_size || *iv_size == 0) return std::nullopt;
  const auto iv = reader.take(*iv_size);
  if (!iv) return std::nullopt;
  return Ciphertext{.header = std::move(*header),
                    .iv = Bytes(iv->begin(), iv->end()),
                    .data = Bytes(reader.rest().begin(), reader.rest().end())};
}

Bytes additional_data(const CiphertextHeader& header, const EncryptionContext& context) {
  // The header ends by itself and every string is preceded by its length, so no two inputs give the
  // same bytes. The map is in byte order, so the order in which the caller sent the pairs does not
  // matter.
  Bytes data;
  put_header(data, header);
  put_big_endian(data, context.size(), 4);
  for (const auto& [name, value] : context) {
    put_big_endian(data, name.size(), 4);
    put(data, as_bytes(name));
    put_big_endian(data, value.size(), 4);
    put(data, as_bytes(value));
  }
  return data;
}

}  // namespace kms::keys
