#include "connector/sts/credentials.h"

#include <utility>

#include "connector/api/redact.h"
#include "connector/base/encodings.h"

namespace kms::sts {

void Credentials::write(Xml& result) const {
  result.open("Credentials");
  result.element("AccessKeyId", access_key_id);
  result.element("SecretAccessKey", issued.secret_access_key.text());
  result.element("SessionToken", issued.token);
  result.element("Expiration", iso8601_extended(expiration));
  result.close("Credentials");
}

std::string Credentials::json() const {
  return "{\"accessKeyId\":" + json_string(access_key_id) +
         ",\"expiration\":" + json_string(api::cloudtrail_date(expiration)) + "}";
}

Credentials issue(Call& call, auth::SessionClaims claims, std::chrono::seconds duration) {
  claims.access_key_id = auth::make_session_access_key_id(call.context.random);
  claims.issued = call.context.clock.now();
  // The answer tells whole seconds; the session shall not end earlier.
  claims.expires = std::chrono::floor<std::chrono::seconds>(claims.issued) + duration;
  Credentials credentials{.access_key_id = claims.access_key_id, .expiration = claims.expires};
  credentials.issued = call.context.tokens.issue(claims);
  return credentials;
}

}  // namespace kms::sts
