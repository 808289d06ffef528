#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/auth/authorization_header.h"
#include "connector/auth/canonical.h"
#include "connector/auth/guess_limit.h"
#include "connector/auth/signing_keys.h"
#include "connector/auth/sigv4.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

using api::ErrorCode;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kInvalidToken = "The security token included in the request is invalid";

/// The number of `size` digits at `at`; -1 if they are none.
int digits(std::string_view text, std::size_t at, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(at, size)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// "20150830T123600Z"; nullopt for anything else.
std::optional<sys_seconds> parse_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const int year = digits(text, 0, 4);
  const int month = digits(text, 4, 2);
  const int day = digits(text, 6, 2);
  const int hour = digits(text, 9, 2);
  const int minute = digits(text, 11, 2);
  const int second = digits(text, 13, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 59) {
    return std::nullopt;
  }
  return sys_days{date} + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

/// "5 min."
std::string skew_text(std::chrono::seconds skew) {
  const auto seconds = skew.count();
  return seconds % 60 == 0 ? std::to_string(seconds / 60) + " min."
                           : std::to_string(seconds) + " sec.";
}

void check_skew(std::string_view date, sys_seconds time, sys_seconds now,
                std::chrono::seconds skew) {
  if (time < now - skew) {
    throw api::Error(ErrorCode::invalid_signature,
                     "Signature expired: " + std::string(date) + " is now earlier than " +
                         iso8601_basic(now - skew) + " (" + iso8601_basic(now) + " - " +
                         skew_text(skew) + ")");
  }
  if (time > now + skew) {
    throw api::Error(ErrorCode::invalid_signature,
                     "Signature not yet current: " + std::string(date) + " is still later than " +
                         iso8601_basic(now + skew) + " (" + iso8601_basic(now) + " + " +
                         skew_text(skew) + ")");
  }
}

void check_signed_headers(const api::Headers& headers, const SignedHeaders& names) {
  const auto refuse = [](const std::string& name) {
    throw api::Error(ErrorCode::invalid_signature,
                     name + " must be a 'SignedHeader' in the AWS Authorization.");
  };
  constexpr std::string_view kPrefix = "x-amz-";
  if (!names.contains("host")) refuse("'Host' or ':authority'");
  for (const api::Header& line : headers) {
    if (!starts_with_ignoring_case(line.name, kPrefix)) continue;
    if (!names.contains(line.name)) refuse("'" + lower_case(line.name) + "'");
  }
}

std::string scope_of(const Credential& credential) {
  std::string scope(credential.date);
  for (const std::string_view element :
       {credential.region, credential.service, credential.terminator}) {
    scope.append("/").append(element);
  }
  return scope;
}

/// Every mismatch of the scope in one message. `date` is the request's own.
void check_scope(const Credential& credential, bool region_served, std::string_view date,
                 std::string_view service) {
  std::string faults;
  if (!region_served) faults += "Credential should be scoped to a valid region. ";
  if (credential.service != service) {
    faults.append("Credential should be scoped to correct service: '")
        .append(service)
        .append("'. ");
  }
  if (credential.terminator != kTerminator) {
    faults.append("Credential should be scoped with a valid terminator: 'aws4_request', not '")
        .append(credential.terminator)
        .append("'. ");
  }
  if (credential.date != date.substr(0, 8)) {
    faults
        .append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '")
        .append(credential.date)
        .append("' != '")
        .append(date.substr(0, 8))
        .append("', from '")
        .append(date)
        .append("'.");
  }
  if (!faults.empty()) throw api::Error(ErrorCode::invalid_signature, std::move(faults));
}

/// The Authorization header, or the refusal of a request that does not carry its signature there.
/// Signatures in the query are refused: no SDK presigns KMS requests, and a URL that may decrypt is
/// a secret in every proxy's log.
std::string_view authorization_of(const api::Request& request, std::string_view query) {
  const auto header = request.headers.get("Authorization");
  const bool in_query = has_parameter(query, "X-Amz-Algorithm");
  if (header && !header->empty()) {
    if (!in_query) return *header;
    throw api::Error(
        ErrorCode::invalid_signature,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
  }
  if (in_query) {
    std::string missing;
    for (const std::string_view name :
         {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}) {
      if (has_parameter(query, name)) continue;
      missing.append("AWS query-string parameters must include '").append(name).append("'. ");
    }
    if (!missing.empty()) {
      throw api::Error(ErrorCode::incomplete_signature,
                       missing + "Re-examine the query-string parameters.");
    }
  }
  throw api::Error(ErrorCode::missing_authentication_token, "Missing Authentication Token");
}

/// X-Amz-Date, else Date; empty if neither says anything.
std::string_view date_of(const api::Headers& headers) {
  const auto amz_date = headers.get("X-Amz-Date");
  if (amz_date && !amz_date->empty()) return *amz_date;
  return headers.get("Date").value_or(std::string_view{});
}

/// Whether the role's sessions were revoked after this one began.
bool is_revoked(const Caller& caller) {
  return caller.principal && caller.session && caller.principal->sessions_not_before &&
         caller.session->issued < *caller.principal->sessions_not_before;
}

/// Whether the digest that the client sent for the body, if any, is the body's. UNSIGNED-PAYLOAD is
/// none.
bool body_as_announced(const api::Headers& headers, std::string_view body_sha256_hex) {
  const auto announced = headers.all("X-Amz-Content-Sha256");
  return announced.empty() || (announced.size() == 1 && announced.front() == body_sha256_hex);
}

}  // namespace

struct SignatureVerifier::Impl {
  Impl(const config::Config& config, const Parts& given)
      : parts(given), skew(config.sigv4.skew), nobodys_keys() {
    for (const config::Region& region : config.regions) regions.insert(region.name);
  }

  /// Whose signature it is to be, as far as the request says.
  struct Signatory {
    SigningKeys::Key key;
    Caller caller;
    std::optional<api::Error> fault;  // there is none, and the signature only takes its time
  };
  [[nodiscard]] Signatory signatory_of(const Credential& credential, sys_seconds time,
                                       const std::optional<std::string_view>& token) const;
  /// How many failed lately, this one included; may take its time, or throw ThrottlingException.
  [[nodiscard]] std::size_t count_failure(const Signatory& signatory, const Credential& credential,
                                          const api::Request& request) const;
  [[nodiscard]] Signatory session_of(const Credential& credential,
                                     const std::optional<std::string_view>& token) const;

  Parts parts;
  std::chrono::seconds skew;
  std::set<std::string, std::less<>> regions;
  // A request of an unknown access key is verified against these, so that it takes as long as one
  // with a wrong signature.
  SecretBytes nobodys_secret =
      SecretBytes::copy_of(std::string_view("the secret of no access key, 40 octets  "));
  mutable SigningKeys nobodys_keys;
};

SignatureVerifier::Impl::Signatory SignatureVerifier::Impl::signatory_of(
    const Credential& credential, sys_seconds time,
    const std::optional<std::string_view>& token) const {
  if (credential.access_key_id.starts_with(kTemporaryPrefix)) return session_of(credential, token);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const IdentityDirectory::Ptr identities = parts.identities.current();
  const Identities::AccessKey* known = identities->access_key(credential.access_key_id);
  if (known == nullptr || !known->active) {
    return {.key = nobodys_keys.get(nobodys_secret, day, credential.date, credential.region,
                                    credential.service),
            .caller = {},
            .fault = api::Error(ErrorCode::unrecognized_client,
                                "The security token included in the request is invalid.")};
  }
  return {.key = known->signing_keys.get(known->secret, day, credential.date, credential.region,
                                         credential.service),
          .caller = known->caller,
          .fault = std::nullopt};
}

SignatureVerifier::Impl::Signatory SignatureVerifier::Impl::session_of(
    const Credential& credential, const std::optional<std::string_view>& token) const {
  using Status = SessionCredentials::Status;
  SessionCredentials::Found found;
  if (token && parts.sessions != nullptr) {
    found = parts.sessions->find(credential.access_key_id, *token, *parts.identities.current());
  }
  if (found.status == Status::valid && is_revoked(found.caller)) found.status = Status::expired;
  const SecretBytes& secret = found.status == Status::valid ? found.secret : nobodys_secret;
  Signatory signatory{.key = std::make_shared<const SecretBytes>(derive_signing_key(
                          secret, credential.date, credential.region, credential.service)),
                      .caller = std::move(found.caller),
                      .fault = std::nullopt};
  switch (found.status) {
    case Status::valid:
      break;
    case Status::expired:
      signatory.fault.emplace(ErrorCode::expired_token,
                              "The security token included in the request is expired");
      break;
    case Status::invalid:
      signatory.fault.emplace(ErrorCode::unrecognized_client, std::string(kInvalidToken));
      break;
  }
  return signatory;
}

std::size_t SignatureVerifier::Impl::count_failure(const Signatory& signatory,
                                                   const Credential& credential,
                                                   const api::Request& request) const {
  // Who holds credentials that have expired guesses nothing.
  const bool expired = signatory.fault && signatory.fault->code() == ErrorCode::expired_token;
  if (parts.guesses == nullptr || expired) return 0;
  // Access keys that nobody has count as one, so that inventing them does not help.
  const bool known = !signatory.caller.arn.empty();
  return parts.guesses->failed(known ? credential.access_key_id : std::string_view{},
                               request.peer_address);
}

SignatureVerifier::SignatureVerifier(const config::Config& config, const Parts& parts)
    : impl_(std::make_unique<Impl>(config, parts)) {}

SignatureVerifier::~SignatureVerifier() = default;

Identity SignatureVerifier::verify(const api::Request& request, std::string_view service,
                                   std::size_t* failures) const {
  const std::string_view header = authorization_of(request, split_target(request.uri).query);
  const std::string_view date = date_of(request.headers);
  const Authorization authorization = parse_authorization(header, !date.empty());
  const auto time = parse_date(date);
  if (!time) {
    throw api::Error(ErrorCode::incomplete_signature,
                     "Date must be in ISO-8601 'basic format'. Got '" + std::string(date) +
                         "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
  check_skew(date, *time, std::chrono::floor<std::chrono::seconds>(impl_->parts.clock.now()),
             impl_->skew);
  const SignedHeaders signed_headers(authorization.signed_headers);
  check_signed_headers(request.headers, signed_headers);
  if (authorization.algorithm != kAlgorithm) {
    throw api::Error(
        ErrorCode::incomplete_signature,
        "Unsupported AWS 'algorithm': '" + std::string(authorization.algorithm) + "'.");
  }
  const Credential credential = parse_credential(authorization.credential);
  check_scope(credential, impl_->regions.contains(credential.region), date, service);

  const auto token = request.headers.get("X-Amz-Security-Token");
  const Impl::Signatory signatory = impl_->signatory_of(credential, *time, token);
  const std::string body_hash = to_hex(sha256(request.body.view()));
  const std::string scope = scope_of(credential);
  const std::string calculated =
      to_hex(hmac_sha256(signatory.key->view(),
                         as_bytes(string_to_sign(
                             date, scope, canonical_request(request, signed_headers, body_hash)))));
  const bool matches =
      equal_in_constant_time(as_bytes(calculated), as_bytes(authorization.signature)) &&
      body_as_announced(request.headers, body_hash);
  if (signatory.fault || !matches) {
    const std::size_t count = impl_->count_failure(signatory, credential, request);
    if (failures != nullptr) *failures = count;
    if (signatory.fault) throw api::Error(*signatory.fault);
    throw api::Error(
        ErrorCode::invalid_signature,
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS "
        "Secret Access Key and signing method. Consult the service documentation for details.");
  }
  // Only session credentials come with a token.
  if (token && signatory.caller.session == nullptr) {
    throw api::Error(ErrorCode::unrecognized_client, std::string(kInvalidToken));
  }
  return {.caller = signatory.caller, .region = std::string(credential.region)};
}

}  // namespace kms::auth
