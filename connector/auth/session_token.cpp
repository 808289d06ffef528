#include "connector/auth/session_token.h"

#include <openssl/crypto.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "connector/api/base64.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMacBytes = std::tuple_size_v<Sha256>;
constexpr std::size_t kAccessKeyIdSize = 20;
constexpr std::size_t kSecretBytes = 30;  // 40 characters of base64
// Of policies and tags. Their base64 and the rest stay well below what one header line may hold.
constexpr std::size_t kMostPacked = 4096;
// Longer than any token of ours.
constexpr std::size_t kMostCharacters = 12 * 1024;

constexpr std::string_view kTokenLabel = "kms-connector session token\n";
constexpr std::string_view kSecretLabel = "kms-connector secret access key\n";

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// Big-endian.
void append_number(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) {
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

void append_text(Bytes& out, std::string_view text) {
  append_number(out, text.size(), 2);
  append(out, as_bytes(text));
}

void append_time(Bytes& out, Timestamp time) {
  append_number(out, static_cast<std::uint64_t>(time.time_since_epoch().count()), 8);
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
  std::uint64_t take_number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(size)) value = (value << 8U) | byte;
    return value;
  }
  std::string take_text() {
    const ByteView text = take(take_number(2));
    return {text.begin(), text.end()};
  }
  Timestamp take_time() {
    return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(take_number(8))));
  }
  /// True while there is more of a list whose length comes first.
  template <class Take>
  void take_list(Take take_one) {
    for (std::uint64_t left = take_number(2); left > 0 && whole_; --left) take_one();
  }
  [[nodiscard]] bool ended() const { return whole_ && left_.empty(); }

 private:
  ByteView left_;
  bool whole_ = true;
};

void append_packed(Bytes& out, const SessionClaims& claims) {
  append_number(out, claims.policies.size(), 2);
  for (const std::string& policy : claims.policies) append_text(out, policy);
  append_number(out, claims.tags.size(), 2);
  for (const auto& [key, value] : claims.tags) {
    append_text(out, key);
    append_text(out, value);
  }
  append_number(out, claims.transitive_tag_keys.size(), 2);
  for (const std::string& key : claims.transitive_tag_keys) append_text(out, key);
}

/// Everything that is authenticated: what the key's choice needs comes first.
Bytes encode(const SessionClaims& claims, HourlyKeys::Hour hour) {
  Bytes out{kVersion};
  append_number(out, static_cast<std::uint64_t>(hour), 4);
  out.push_back(static_cast<std::uint8_t>(claims.kind));
  append_text(out, claims.access_key_id);
  append_text(out, claims.principal_arn);
  append_text(out, claims.principal_id);
  append_text(out, claims.session_name);
  append_time(out, claims.issued);
  append_time(out, claims.expires);
  append_packed(out, claims);
  return out;
}

/// Of authentic bytes after version and hour; nullopt for what a later release may have added.
std::optional<SessionClaims> decode(Reader& reader) {
  SessionClaims claims;
  const auto kind = static_cast<SessionClaims::Kind>(reader.take_number(1));
  if (kind != SessionClaims::Kind::role && kind != SessionClaims::Kind::user) return std::nullopt;
  claims.kind = kind;
  claims.access_key_id = reader.take_text();
  claims.principal_arn = reader.take_text();
  claims.principal_id = reader.take_text();
  claims.session_name = reader.take_text();
  claims.issued = reader.take_time();
  claims.expires = reader.take_time();
  reader.take_list([&] { claims.policies.push_back(reader.take_text()); });
  reader.take_list([&] {
    std::string key = reader.take_text();
    claims.tags.insert_or_assign(std::move(key), reader.take_text());
  });
  reader.take_list([&] { claims.transitive_tag_keys.push_back(reader.take_text()); });
  if (!reader.ended()) return std::nullopt;
  return claims;
}

Sha256 labelled_mac(const SecretBytes& key, std::string_view label, ByteView message) {
  Bytes input(label.begin(), label.end());
  append(input, message);
  return hmac_sha256(key.view(), input);
}

/// Nobody stores it: whoever has the hourly key and the token can make it again.
SecretBytes secret_access_key(const SecretBytes& hourly_key, ByteView token) {
  Sha256 mac = labelled_mac(hourly_key, kSecretLabel, token);
  const SecretBytes raw = SecretBytes::copy_of(ByteView(mac).first(kSecretBytes));
  OPENSSL_cleanse(mac.data(), mac.size());
  SecretBytes secret;
  api::append_base64(secret, raw.view());
  return secret;
}

}  // namespace

std::string make_session_access_key_id(Random& random) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<std::uint8_t, kAccessKeyIdSize - 4> bytes{};
  random.fill(bytes);
  std::string id = "ASIA";
  for (const std::uint8_t byte : bytes) id += kAlphabet[byte % kAlphabet.size()];
  return id;
}

std::size_t packed_size_percent(const SessionClaims& claims) {
  Bytes packed;
  append_packed(packed, claims);
  Bytes nothing;
  append_packed(nothing, {});
  return ((packed.size() - nothing.size()) * 100 + kMostPacked - 1) / kMostPacked;
}

SessionTokens::Issued SessionTokens::issue(const SessionClaims& claims) {
  const HourlyKeys::Hour hour =
      std::chrono::floor<std::chrono::hours>(claims.issued).time_since_epoch().count();
  const HourlyKeys::Key key = keys_.get(hour);
  if (key == nullptr) throw std::logic_error("a session token of another time");
  Bytes token = encode(claims, hour);
  append(token, labelled_mac(*key, kTokenLabel, token));
  return {.token = to_base64(token), .secret_access_key = secret_access_key(*key, token)};
}

std::optional<SessionTokens::Opened> SessionTokens::open(std::string_view token,
                                                         std::string_view access_key_id) {
  if (token.size() > kMostCharacters) return std::nullopt;
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() <= kMacBytes) return std::nullopt;
  const ByteView authenticated = ByteView(*bytes).first(bytes->size() - kMacBytes);
  Reader reader(authenticated);
  if (reader.take_number(1) != kVersion) return std::nullopt;
  const HourlyKeys::Key key = keys_.get(static_cast<HourlyKeys::Hour>(reader.take_number(4)));
  if (key == nullptr) return std::nullopt;
  const Sha256 expected = labelled_mac(*key, kTokenLabel, authenticated);
  if (!equal_in_constant_time(expected, ByteView(*bytes).last(kMacBytes))) return std::nullopt;
  auto claims = decode(reader);
  if (!claims || claims->access_key_id != access_key_id) return std::nullopt;
  const bool expired = clock_.now() >= claims->expires;
  return Opened{.claims = std::move(*claims),
                .secret_access_key = secret_access_key(*key, *bytes),
                .expired = expired};
}

}  // namespace kms::auth
