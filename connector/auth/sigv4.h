#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "connector/api/request.h"
#include "connector/auth/caller.h"
#include "connector/auth/identities.h"
#include "connector/base/clock.h"

// Signature Version 4 of the Authorization header, as AWS verifies it. The stages are separate
// functions so that vectors can compare each.
namespace kms::auth {

class GuessLimit;
class SignedHeaders;

/// METHOD, canonical URI, canonical query, canonical headers, signed headers, body hash (hex).
std::string canonical_request(const api::Request& request, const SignedHeaders& names,
                              std::string_view body_sha256_hex);
std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request);

/// The access key id that the Authorization header claims, for the audit record of a request that
/// was refused; empty if there is none, or nothing that can be one.
std::string claimed_access_key_id(const api::Request& request);

/// The services that a credential scope may name.
constexpr std::string_view kKmsService = "kms";
constexpr std::string_view kStsService = "sts";

/// Temporary credentials begin with this; all others are access keys of a user or root.
constexpr std::string_view kTemporaryPrefix = "ASIA";

/// What a temporary access key and its session token stand for.
class SessionCredentials {
 public:
  enum class Status : std::uint8_t {
    valid,
    expired,  // once valid; secret and caller may be empty
    invalid,  // forged, damaged, of another access key, or of a principal that is no more
  };
  struct Found {
    Status status = Status::invalid;
    SecretBytes secret;
    Caller caller;  // with principal (out of `identities`) and session
  };

  SessionCredentials() = default;
  SessionCredentials(const SessionCredentials&) = delete;
  SessionCredentials& operator=(const SessionCredentials&) = delete;
  virtual ~SessionCredentials() = default;
  /// Thread-safe.
  [[nodiscard]] virtual Found find(std::string_view access_key_id, std::string_view session_token,
                                   const Identities& identities) const = 0;
};

/// Verifies requests against the access keys in effect. Thread-safe; derived signing keys are
/// cached.
class SignatureVerifier {
 public:
  struct Parts {
    const IdentityDirectory& identities;
    /// The real time: --clock-offset does not move it.
    const Clock& clock;
    const SessionCredentials* sessions = nullptr;  // null: none are known
    GuessLimit* guesses = nullptr;                 // null: no such limit
  };
  /// All of it outlives the verifier; of the configuration, its Regions and the skew count.
  SignatureVerifier(const config::Config& config, const Parts& parts);
  ~SignatureVerifier();
  SignatureVerifier(const SignatureVerifier&) = delete;
  SignatureVerifier& operator=(const SignatureVerifier&) = delete;

  /// Throws api::Error with the exact code and text of the first fault, in AWS's order. `service`:
  /// what the credential must be scoped to. `failures`: where to tell how many signatures of the
  /// same access key and address failed within a minute, if this one did too.
  [[nodiscard]] Identity verify(const api::Request& request, std::string_view service = kKmsService,
                                std::size_t* failures = nullptr) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::auth
