#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "connector/api/request.h"
#include "connector/auth/caller.h"
#include "connector/base/clock.h"

// Signature Version 4 of the Authorization header, as AWS verifies it. The stages are separate
// functions so that vectors can compare each.
namespace kms::auth {

/// METHOD, canonical URI, canonical query, canonical headers, signed headers, body hash (hex).
std::string canonical_request(const api::Request& request, std::string_view signed_headers,
                              std::string_view body_sha256_hex);
std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request);

/// The access key id that the Authorization header claims, for the audit record of a request that
/// was refused; empty if there is none, or nothing that can be one.
std::string claimed_access_key_id(const api::Request& request);

/// Verifies requests against the configured access keys. Thread-safe; derived signing keys are
/// cached.
class SignatureVerifier {
 public:
  /// `clock` is the real time: --clock-offset does not move it. Both outlive the verifier.
  SignatureVerifier(const config::Config& config, const Clock& clock);
  ~SignatureVerifier();
  SignatureVerifier(const SignatureVerifier&) = delete;
  SignatureVerifier& operator=(const SignatureVerifier&) = delete;

  /// Throws api::Error with the exact code and text of the first fault, in AWS's order.
  [[nodiscard]] Identity verify(const api::Request& request) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::auth
