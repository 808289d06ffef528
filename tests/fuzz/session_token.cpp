#include "connector/auth/session_token.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "connector/base/encodings.h"
#include "tests/fuzz/support.h"

namespace {

using kms::fuzz::require;

constexpr std::string_view kMaster = "master key";

class StandingClock final : public kms::Clock {
 public:
  [[nodiscard]] kms::Timestamp now() const override {
    return kms::Timestamp(std::chrono::milliseconds{1'700'000'000'000});
  }
};

kms::auth::SessionClaims example_claims(const kms::Clock& clock) {
  kms::auth::SessionClaims claims;
  claims.access_key_id = "ASIAABCDEFGHIJKLMNOP";
  claims.principal_arn = "arn:aws:iam::123456789012:role/app";
  claims.principal_id = "AROAEXAMPLE";
  claims.session_name = "session";
  claims.issued = clock.now();
  claims.expires = clock.now() + std::chrono::hours(1);
  claims.policies = {"{}"};
  claims.tags = {{"team", "blue"}};
  claims.transitive_tag_keys = {"team"};
  return claims;
}

kms::SecretBytes hourly_key(kms::ByteView message) {
  return kms::SecretBytes::copy_of(
      kms::ByteView(kms::hmac_sha256(kms::as_bytes(kMaster), message)));
}

/// The claims, as bytes, with a true MAC.
std::string authentic(kms::auth::HourlyKeys& keys, kms::ByteView claims) {
  const auto hour = static_cast<std::uint32_t>(keys.now());
  kms::Bytes token{1};
  for (int shift = 24; shift >= 0; shift -= 8) {
    token.push_back(static_cast<std::uint8_t>(hour >> shift));
  }
  token.insert(token.end(), claims.begin(), claims.end());
  constexpr std::string_view kLabel = "kms-connector session token\n";
  kms::Bytes input(kLabel.begin(), kLabel.end());
  input.insert(input.end(), token.begin(), token.end());
  const auto mac = kms::hmac_sha256(keys.get(hour)->view(), input);
  token.insert(token.end(), mac.begin(), mac.end());
  return kms::to_base64(token);
}

}  // namespace

// Only what was issued opens: not the input, nor a true token with the input's bytes added on,
// which any but zeros must spoil. What is authentic is read without harm, whatever it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const StandingClock clock;
  static kms::auth::HourlyKeys keys(hourly_key, clock);
  static kms::auth::SessionTokens tokens(keys, clock);
  static const kms::auth::SessionClaims claims = example_claims(clock);
  static const kms::Bytes token = *kms::from_base64(tokens.issue(claims).token);

  const std::string_view input(reinterpret_cast<const char*>(data), size);
  require(!tokens.open(input, claims.access_key_id), "nobody issued this token");

  kms::Bytes changed = token;
  for (std::size_t i = 0; i < size && i < changed.size(); ++i) {
    changed[i] = static_cast<std::uint8_t>(changed[i] ^ data[i]);
  }
  const auto opened = tokens.open(kms::to_base64(changed), claims.access_key_id);
  require(opened.has_value() == (changed == token), "a changed token does not open");
  require(!opened || opened->claims == claims, "the token says what was said");

  const auto read = tokens.open(authentic(keys, {data, size}), claims.access_key_id);
  require(!read || read->claims.access_key_id == claims.access_key_id, "of its access key");
  return 0;
}
