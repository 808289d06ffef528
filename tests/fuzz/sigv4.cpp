#include "connector/auth/sigv4.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connector/api/error.h"
#include "connector/auth/canonical.h"
#include "tests/fuzz/support.h"
#include "tests/support/signer.h"

namespace {

using kms::fuzz::require;

/// Stands still, so that the signatures of the seeds stay valid.
class StandingClock final : public kms::Clock {
 public:
  [[nodiscard]] kms::Timestamp now() const override {
    return std::chrono::sys_days{std::chrono::year(2015) / 8 / 30} + std::chrono::hours(12) +
           std::chrono::minutes(36);
  }
};

config::Config example_config() {
  config::Config config;
  config.accounts = {"123456789012"};
  config.default_region = "us-east-1";
  config.regions.emplace_back().name = "us-east-1";
  config::Principal& principal = config.principals.emplace_back();
  principal.arn = "arn:aws:iam::123456789012:user/admin";
  principal.account = "123456789012";
  principal.name = "admin";
  principal.access_keys.emplace_back().id = kms::test::admin().access_key_id;
  principal.access_keys.back().secret = pkcs11::SecretBytes::copy_of(kms::test::admin().secret);
  return config;
}

bool accepted(const kms::auth::SignatureVerifier& verifier, const kms::api::Request& request) {
  try {
    static_cast<void>(verifier.verify(request));
    return true;
  } catch (const kms::api::Error& error) {
    require(error.http_status() < 500, "bad input is the client's error", error.what());
    return false;
  }
}

void check_canonical_forms(const kms::api::Request& request) {
  const kms::auth::Target target = kms::auth::split_target(request.uri);
  const std::string query = kms::auth::canonical_query(target.query);
  require(kms::auth::canonical_query(query) == query, "the canonical query is canonical", query);
  const std::string path = kms::auth::canonical_uri(target.path);
  require(path.starts_with('/'), "the canonical path is absolute", path);
  for (const kms::api::Header& header : request.headers) {
    static_cast<void>(kms::auth::canonical_request(request, kms::auth::SignedHeaders(header.value),
                                                   std::string(64, '0')));
  }
}

}  // namespace

// "s" signs what follows (for the path "/"), anything else leaves it as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const config::Config config = example_config();
  static const StandingClock clock;
  static const kms::auth::IdentityDirectory identities(
      std::make_shared<const kms::auth::Identities>(config));
  static const kms::auth::SignatureVerifier verifier(config,
                                                     {.identities = identities, .clock = clock});
  static kms::test::Signer signer(kms::test::admin());

  std::string_view input(reinterpret_cast<const char*>(data), size);
  const bool sign = kms::fuzz::take_byte(input) == 's';
  kms::api::Request request = kms::fuzz::parse_request(input);
  if (sign && request.uri == "/") signer.sign(request, clock.now());
  check_canonical_forms(request);
  static_cast<void>(kms::auth::claimed_access_key_id(request));
  if (!accepted(verifier, request)) return 0;

  request.body = pkcs11::SecretBytes::copy_of(std::string(request.body.text()) + " ");
  require(!accepted(verifier, request), "the body is signed");
  return 0;
}
