#include "connector/auth/session_token.h"

#include <openssl/crypto.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "connector/api/base64.h"
#include "connector/base/byte_layout.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMacBytes = std::tuple_size_v<Sha256>;
constexpr std::size_t kSizeBytes = 2;  // before texts and lists
constexpr std::size_t kAccessKeyIdSize = 20;
constexpr std::size_t kSecretBytes = 30;  // 40 characters of base64
// Of policies and tags. Their base64 and the rest stay well below what one header line may hold.
constexpr std::size_t kMostPacked = 4096;
// Longer than any token of ours.
constexpr std::size_t kMostCharacters = 12 * 1024;

constexpr std::string_view kTokenLabel = "kms-connector session token\n";
constexpr std::string_view kSecretLabel = "kms-connector secret access key\n";

void put_text(Bytes& out, std::string_view text) { put_sized(out, as_bytes(text), kSizeBytes); }

std::string text(ByteReader& reader) { return reader.sized_text(kSizeBytes); }

/// Behind their number, one by one.
template <class Take>
void take_list(ByteReader& reader, Take take_one) {
  for (std::uint64_t left = reader.number(kSizeBytes); left > 0 && reader.good(); --left)
    take_one();
}

void put_packed(Bytes& out, const SessionClaims& claims) {
  put_number(out, claims.policies.size(), kSizeBytes);
  for (const std::string& policy : claims.policies) put_text(out, policy);
  put_number(out, claims.tags.size(), kSizeBytes);
  for (const auto& [key, value] : claims.tags) {
    put_text(out, key);
    put_text(out, value);
  }
  put_number(out, claims.transitive_tag_keys.size(), kSizeBytes);
  for (const std::string& key : claims.transitive_tag_keys) put_text(out, key);
}

/// Everything that is authenticated: what the key's choice needs comes first.
Bytes encode(const SessionClaims& claims, HourlyKeys::Hour hour) {
  Bytes out{kVersion};
  put_number(out, static_cast<std::uint64_t>(hour), 4);
  out.push_back(static_cast<std::uint8_t>(claims.kind));
  put_text(out, claims.access_key_id);
  put_text(out, claims.principal_arn);
  put_text(out, claims.principal_id);
  put_text(out, claims.session_name);
  put_time(out, claims.issued);
  put_time(out, claims.expires);
  put_packed(out, claims);
  return out;
}

/// Of authentic bytes after version and hour; nullopt for what a later release may have added.
std::optional<SessionClaims> decode(ByteReader& reader) {
  SessionClaims claims;
  const auto kind = static_cast<SessionClaims::Kind>(reader.number(1));
  if (kind != SessionClaims::Kind::role && kind != SessionClaims::Kind::user) return std::nullopt;
  claims.kind = kind;
  claims.access_key_id = text(reader);
  claims.principal_arn = text(reader);
  claims.principal_id = text(reader);
  claims.session_name = text(reader);
  claims.issued = reader.time();
  claims.expires = reader.time();
  take_list(reader, [&] { claims.policies.push_back(text(reader)); });
  take_list(reader, [&] {
    std::string key = text(reader);
    claims.tags.insert_or_assign(std::move(key), text(reader));
  });
  take_list(reader, [&] { claims.transitive_tag_keys.push_back(text(reader)); });
  if (!reader.ended()) return std::nullopt;
  return claims;
}

Sha256 labelled_mac(const SecretBytes& key, std::string_view label, ByteView message) {
  Bytes input(label.begin(), label.end());
  put(input, message);
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
  put_packed(packed, claims);
  Bytes nothing;
  put_packed(nothing, {});
  return ((packed.size() - nothing.size()) * 100 + kMostPacked - 1) / kMostPacked;
}

SessionTokens::Issued SessionTokens::issue(const SessionClaims& claims) {
  const HourlyKeys::Hour hour =
      std::chrono::floor<std::chrono::hours>(claims.issued).time_since_epoch().count();
  const HourlyKeys::Key key = keys_.get(hour);
  if (key == nullptr) throw std::logic_error("a session token of another time");
  Bytes token = encode(claims, hour);
  put(token, labelled_mac(*key, kTokenLabel, token));
  return {.token = to_base64(token), .secret_access_key = secret_access_key(*key, token)};
}

std::optional<SessionTokens::Opened> SessionTokens::open(std::string_view token,
                                                         std::string_view access_key_id) {
  if (token.size() > kMostCharacters) return std::nullopt;
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() <= kMacBytes) return std::nullopt;
  const ByteView authenticated = ByteView(*bytes).first(bytes->size() - kMacBytes);
  ByteReader reader(authenticated);
  if (reader.number(1) != kVersion) return std::nullopt;
  const HourlyKeys::Key key = keys_.get(static_cast<HourlyKeys::Hour>(reader.number(4)));
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
