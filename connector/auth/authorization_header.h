#pragma once

#include <array>
#include <string_view>

// What an Authorization header of Signature Version 4 says, before anything of it is believed.
namespace kms::auth {

/// Views into the header.
struct Authorization {
  std::string_view algorithm;
  std::string_view credential;
  std::string_view signed_headers;
  std::string_view signature;
};

/// Throws IncompleteSignatureException if a part is malformed or missing; `dated` tells whether the
/// request has an X-Amz-Date or a Date header, which belongs to the same refusal.
Authorization parse_authorization(std::string_view header, bool dated);

/// A credential: access key id and scope. Views into it.
struct Credential {
  std::string_view access_key_id;
  std::string_view date;
  std::string_view region;
  std::string_view service;
  std::string_view terminator;
};

/// Throws IncompleteSignatureException unless there are exactly five elements.
Credential parse_credential(std::string_view text);

}  // namespace kms::auth
