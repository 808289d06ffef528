#include "connector/keys/import_token.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kms::keys {
namespace {

using pkcs11::ImportScheme;
using pkcs11::KeyKind;

constexpr std::array<std::uint8_t, 4> kMagic{'k', 'm', 'i', 1};  // the last byte is the version
constexpr std::string_view kPurpose = "kms-connector import token\n";

// Their places are their numbers in the token.
constexpr std::array kSchemes{ImportScheme::oaep_sha1, ImportScheme::oaep_sha256,
                              ImportScheme::rsa_aes_sha1, ImportScheme::rsa_aes_sha256};
constexpr std::array kWrappingKinds{KeyKind::rsa_2048, KeyKind::rsa_3072, KeyKind::rsa_4096};

template <class Table, class Value>
std::uint8_t number_of(const Table& table, Value value) {
  return static_cast<std::uint8_t>(std::ranges::find(table, value) - table.begin());
}

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_number(Bytes& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void put_sized(Bytes& out, ByteView bytes, int size_bytes) {
  put_number(out, bytes.size(), size_bytes);
  put(out, bytes);
}

/// Takes parts off the front; what it gives counts only while good().
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  ByteView take(std::size_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_) return {};
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  Bytes sized(std::size_t size_bytes) {
    const ByteView bytes = take(number(size_bytes));
    return {bytes.begin(), bytes.end()};
  }
  template <class Table>
  auto one_of(const Table& table) {
    const std::uint64_t number = this->number(1);
    good_ = good_ && number < table.size();
    return good_ ? table[number] : table.front();
  }
  pkcs11::ObjectId object_id() {
    pkcs11::ObjectId id{};
    std::ranges::copy(take(id.size()), id.begin());
    return id;
  }
  Bytes rest() { return {rest_.begin(), rest_.end()}; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  ByteView rest_;
  bool good_ = true;
};

void put_header(Bytes& out, const ImportTokenHeader& header) {
  put(out, kMagic);
  out.push_back(number_of(kSchemes, header.scheme));
  put_number(out, static_cast<std::uint64_t>(header.valid_to.time_since_epoch().count()), 8);
  put_sized(out, as_bytes(header.key_arn), 2);
  put(out, header.sealing_key.kek);
  put_sized(out, header.sealing_key.blob, 1);
}

}  // namespace

Bytes encode(const ImportTokenHeader& header, ByteView iv, ByteView data) {
  Bytes token;
  put_header(token, header);
  put_sized(token, iv, 1);
  put(token, data);
  return token;
}

std::optional<SealedImportToken> parse_import_token(ByteView token) {
  Reader reader(token);
  if (!std::ranges::equal(reader.take(kMagic.size()), kMagic)) return std::nullopt;
  SealedImportToken parsed;
  ImportTokenHeader& header = parsed.header;
  header.scheme = reader.one_of(kSchemes);
  header.valid_to =
      Timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(reader.number(8))}};
  const Bytes arn = reader.sized(2);
  header.key_arn.assign(arn.begin(), arn.end());
  header.sealing_key.kind = KeyKind::aes_256;
  header.sealing_key.kek = reader.object_id();
  header.sealing_key.blob = reader.sized(1);
  parsed.iv = reader.sized(1);
  parsed.data = reader.rest();
  if (!reader.good() || parsed.iv.empty()) return std::nullopt;
  return parsed;
}

Bytes additional_data(const ImportTokenHeader& header) {
  // No other use of AES-GCM here authenticates anything that begins like this.
  Bytes data;
  put(data, as_bytes(kPurpose));
  put_header(data, header);
  return data;
}

Bytes encode_wrapping_key(const pkcs11::WrappedMaterial& key) {
  Bytes bytes;
  bytes.push_back(number_of(kWrappingKinds, key.kind));
  put(bytes, key.kek);
  put_sized(bytes, key.blob, 2);
  put(bytes, key.public_key);
  return bytes;
}

std::optional<pkcs11::WrappedMaterial> parse_wrapping_key(ByteView bytes) {
  Reader reader(bytes);
  pkcs11::WrappedMaterial key;
  key.kind = reader.one_of(kWrappingKinds);
  key.kek = reader.object_id();
  key.blob = reader.sized(2);
  key.public_key = reader.rest();
  if (!reader.good()) return std::nullopt;
  return key;
}

}  // namespace kms::keys
