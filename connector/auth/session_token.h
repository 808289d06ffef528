#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/caller.h"
#include "connector/auth/hourly_keys.h"
#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"

// Session tokens: all that is known of temporary credentials stands in their token, which nobody
// can make or alter who has not the hourly key; nothing is stored.
namespace kms::auth {

/// What a session token says.
struct SessionClaims {
  enum class Kind : std::uint8_t {
    role = 1,  // of AssumeRole
    user = 2,  // of GetSessionToken; the principal may be an account root too
  };
  Kind kind = Kind::role;
  std::string access_key_id;
  std::string principal_arn;
  std::string principal_id;  // the unique id, so that a namesake made later is another
  std::string session_name;  // empty for users
  Timestamp issued{};
  Timestamp expires{};
  std::vector<std::string> policies;  // session policies, JSON
  Tags tags;
  std::vector<std::string> transitive_tag_keys;
  bool operator==(const SessionClaims&) const = default;
};

/// "ASIA" and 16 characters, as access key ids of temporary credentials are.
std::string make_session_access_key_id(Random& random);
/// What AWS calls the packed size of session policies and tags, in percent of the most there may
/// be, rounded up.
std::size_t packed_size_percent(const SessionClaims& claims);

/// Makes and opens session tokens. Thread-safe.
class SessionTokens {
 public:
  /// Both outlive this.
  SessionTokens(HourlyKeys& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

  struct Issued {
    std::string token;
    SecretBytes secret_access_key;  // 40 characters
  };
  /// `issued` of the claims is now. Throws KMSInternalException while there is no key.
  [[nodiscard]] Issued issue(const SessionClaims& claims);

  struct Opened {
    SessionClaims claims;
    SecretBytes secret_access_key;
    bool expired = false;
  };
  /// nullopt unless the token was issued here for this access key id. Throws KMSInternalException
  /// only while that cannot be told.
  [[nodiscard]] std::optional<Opened> open(std::string_view token, std::string_view access_key_id);

 private:
  HourlyKeys& keys_;
  const Clock& clock_;
};

}  // namespace kms::auth
