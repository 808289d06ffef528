#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/api/error.h"
#include "connector/api/request.h"
#include "connector/auth/sigv4.h"
#include "connector/base/clock.h"

namespace kms::auth::test {

/// Stands still at 2015-08-30T12:36:00Z unless moved.
class StandingClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return now_; }
  void set(Timestamp time) { now_ = time; }
  void advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  Timestamp now_ = std::chrono::sys_days{std::chrono::year(2015) / 8 / 30} +
                   std::chrono::hours(12) + std::chrono::minutes(36);
};

constexpr std::string_view kNow = "20150830T123600Z";
constexpr std::string_view kAccessKeyId = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// us-east-1 and eu-west-1; alice with an active and an inactive access key, bob of another
/// account, and a root user.
config::Config example_config();

/// What an Authorization header is made from; a test changes one thing.
struct Signing {
  std::string access_key_id{kAccessKeyId};
  std::string secret{kSecret};
  std::string date = "20150830";
  std::string region = "us-east-1";
  std::string service = "kms";
  std::string terminator = "aws4_request";
  std::string amz_date{kNow};  // of the string to sign
  std::string algorithm = "AWS4-HMAC-SHA256";
  std::string signed_headers;  // empty: all headers of the request
  std::string body_hash;       // empty: the body's
};

/// "POST /" of GenerateRandom with Host, X-Amz-Date, X-Amz-Target and Content-Type; not signed.
api::Request example_request();
/// All names, lower-case, sorted, joined.
std::string all_header_names(const api::Headers& headers);
/// Adds the Authorization header.
void sign(api::Request& request, const Signing& signing = {});
/// A signed example_request().
api::Request signed_request(const Signing& signing = {});
api::Headers without(const api::Headers& headers, std::string_view name);

/// "Code: message" of the refusal, or "accepted".
std::string verdict(const SignatureVerifier& verifier, const api::Request& request,
                    std::string_view service = kKmsService);

constexpr std::string_view kMismatch =
    "InvalidSignatureException: The request signature we calculated does not match the signature "
    "you provided. Check "
    "your AWS Secret Access Key and signing method. Consult the service documentation for details.";
constexpr std::string_view kUnknown =
    "UnrecognizedClientException: The security token included in the request is invalid.";

}  // namespace kms::auth::test
