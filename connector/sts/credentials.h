#pragma once

#include <chrono>
#include <string>

#include "connector/sts/operation.h"

namespace kms::sts {

/// New temporary credentials.
struct Credentials {
  std::string access_key_id;
  auth::SessionTokens::Issued issued;
  Timestamp expiration{};

  /// The Credentials member of a result.
  void write(Xml& result) const;
  /// What the audit record tells of them: neither secret nor token.
  [[nodiscard]] std::string json() const;
};

/// Completes the claims with access key id and times and makes the token.
[[nodiscard]] Credentials issue(Call& call, auth::SessionClaims claims,
                                std::chrono::seconds duration);

}  // namespace kms::sts
