#include "connector/auth/grant_token.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "connector/base/byte_layout.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kMacBytes = std::tuple_size_v<Sha256>;

}  // namespace

std::string make_grant_token(const keys::GrantRecord& grant, Random& random) {
  Bytes token{kVersion};
  put_sized(token, as_bytes(grant.scope.account), 1);
  put_sized(token, as_bytes(grant.scope.region), 1);
  put_sized(token, as_bytes(grant.key_id), 1);
  put(token, from_hex(grant.id).value_or(Bytes{}));
  std::array<std::uint8_t, kNonceBytes> nonce{};
  random.fill(nonce);
  put(token, nonce);
  put(token, hmac_sha256(grant.token_key, token));
  return to_base64(token);
}

keys::GrantPtr find_grant(const storage::MetadataStore& store, std::string_view token) {
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() <= kMacBytes) return nullptr;
  const ByteView signed_part = ByteView(*bytes).first(bytes->size() - kMacBytes);
  ByteReader reader(signed_part);
  const std::uint64_t version = reader.number(1);
  Scope scope;
  scope.account = reader.sized_text(1);
  scope.region = reader.sized_text(1);
  const std::string key_id = reader.sized_text(1);
  const std::string id = to_hex(reader.take(kIdBytes));
  static_cast<void>(reader.take(kNonceBytes));
  if (!reader.ended() || version != kVersion) return nullptr;
  keys::GrantPtr grant = store.grant(scope, key_id, id);
  if (grant == nullptr) return nullptr;
  const Sha256 expected = hmac_sha256(grant->token_key, signed_part);
  return equal_in_constant_time(expected, ByteView(*bytes).last(kMacBytes)) ? grant : nullptr;
}

}  // namespace kms::auth
