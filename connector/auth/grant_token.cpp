#include "connector/auth/grant_token.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kMacBytes = std::tuple_size_v<Sha256>;

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void append_text(Bytes& out, std::string_view text) {
  out.push_back(static_cast<std::uint8_t>(text.size()));
  append(out, as_bytes(text));
}

/// What is left of a token; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(ByteView bytes) : left_(bytes) {}
  ByteView take(std::size_t size) {
    if (size > left_.size()) {
      whole_ = false;
      left_ = {};
      return {};
    }
    const ByteView taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  std::string take_text() {
    const ByteView size = take(1);
    const ByteView text = take(size.empty() ? 0 : size.front());
    return {text.begin(), text.end()};
  }
  [[nodiscard]] bool ended() const { return whole_ && left_.empty(); }

 private:
  ByteView left_;
  bool whole_ = true;
};

}  // namespace

std::string make_grant_token(const keys::GrantRecord& grant, Random& random) {
  Bytes token{kVersion};
  append_text(token, grant.scope.account);
  append_text(token, grant.scope.region);
  append_text(token, grant.key_id);
  append(token, from_hex(grant.id).value_or(Bytes{}));
  std::array<std::uint8_t, kNonceBytes> nonce{};
  random.fill(nonce);
  append(token, nonce);
  append(token, hmac_sha256(grant.token_key, token));
  return to_base64(token);
}

keys::GrantPtr find_grant(const storage::MetadataStore& store, std::string_view token) {
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() <= kMacBytes) return nullptr;
  const ByteView signed_part = ByteView(*bytes).first(bytes->size() - kMacBytes);
  Reader reader(signed_part);
  const ByteView version = reader.take(1);
  Scope scope;
  scope.account = reader.take_text();
  scope.region = reader.take_text();
  const std::string key_id = reader.take_text();
  const std::string id = to_hex(reader.take(kIdBytes));
  static_cast<void>(reader.take(kNonceBytes));
  if (!reader.ended() || version.front() != kVersion) return nullptr;
  keys::GrantPtr grant = store.grant(scope, key_id, id);
  if (grant == nullptr) return nullptr;
  const Sha256 expected = hmac_sha256(grant->token_key, signed_part);
  return equal_in_constant_time(expected, ByteView(*bytes).last(kMacBytes)) ? grant : nullptr;
}

}  // namespace kms::auth
