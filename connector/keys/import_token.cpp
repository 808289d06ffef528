#include "connector/keys/import_token.h"

#include <algorithm>
#include <array>
#include <utility>

#include "connector/base/byte_layout.h"

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

template <class Table>
auto value_at(const Table& table, std::uint64_t number)
    -> std::optional<typename Table::value_type> {
  if (number >= table.size()) return std::nullopt;
  return table[number];
}

pkcs11::ObjectId object_id(ByteReader& reader) {
  pkcs11::ObjectId id{};
  std::ranges::copy(reader.take(id.size()), id.begin());
  return id;
}

Bytes copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

void put_header(Bytes& out, const ImportTokenHeader& header) {
  put(out, kMagic);
  out.push_back(number_of(kSchemes, header.scheme));
  put_time(out, header.valid_to);
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
  ByteReader reader(token);
  if (!std::ranges::equal(reader.take(kMagic.size()), kMagic)) return std::nullopt;
  SealedImportToken parsed;
  ImportTokenHeader& header = parsed.header;
  const auto scheme = value_at(kSchemes, reader.number(1));
  header.valid_to = reader.time();
  header.key_arn = reader.sized_text(2);
  header.sealing_key.kind = KeyKind::aes_256;
  header.sealing_key.kek = object_id(reader);
  header.sealing_key.blob = copy(reader.sized(1));
  parsed.iv = copy(reader.sized(1));
  parsed.data = copy(reader.rest());
  if (!reader.good() || !scheme || parsed.iv.empty()) return std::nullopt;
  header.scheme = *scheme;
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
  ByteReader reader(bytes);
  pkcs11::WrappedMaterial key;
  const auto kind = value_at(kWrappingKinds, reader.number(1));
  key.kek = object_id(reader);
  key.blob = copy(reader.sized(2));
  key.public_key = copy(reader.rest());
  if (!reader.good() || !kind) return std::nullopt;
  key.kind = *kind;
  return key;
}

}  // namespace kms::keys
