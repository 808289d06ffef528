#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "connector/api/request.h"
#include "connector/base/clock.h"
#include "pkcs11/secret_bytes.h"

// Requests as an SDK sends them. Written without the connector's own canonicalization and digests,
// so that a service test is also a check of those.
namespace kms::test {

struct Credentials {
  std::string access_key_id;
  std::string secret;
  std::string session_token;  // sent if not empty
};

/// The development callers: an administrator, a user without policy, and one of account
/// 111122223333.
[[nodiscard]] const Credentials& admin();
[[nodiscard]] const Credentials& alice();
[[nodiscard]] const Credentials& bob();

/// Makes signed requests for one caller, Region and service; the signing key of the day is kept.
/// One thread at a time.
class Signer {
 public:
  explicit Signer(Credentials credentials, std::string region = "us-east-1",
                  std::string host = "127.0.0.1:8080", std::string service = "kms");

  /// "POST /" of `operation` ("GenerateDataKey") with every header that botocore sends.
  [[nodiscard]] api::Request sign(std::string_view operation, std::string_view body,
                                  Timestamp time);
  /// "POST /" of a form, as the Query protocol has it.
  [[nodiscard]] api::Request sign_form(std::string_view form, Timestamp time);
  /// Signs all headers that `request` has, after adding X-Amz-Date (and the session token). Its
  /// path must be "/".
  void sign(api::Request& request, Timestamp time);

 private:
  using Digest = std::array<std::uint8_t, 32>;
  const Digest& signing_key(std::string_view date);

  Credentials credentials_;
  std::string region_;
  std::string host_;
  std::string service_;
  std::string date_;  // of signing_key_
  Digest signing_key_{};
};

/// A single request; for many, keep a Signer.
[[nodiscard]] api::Request sign(std::string_view operation, std::string_view body,
                                std::string_view access_key_id, std::string_view secret,
                                std::string_view region, Timestamp time);

}  // namespace kms::test
