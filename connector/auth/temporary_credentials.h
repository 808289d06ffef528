#pragma once

#include "connector/auth/session_token.h"
#include "connector/auth/sigv4.h"

namespace kms::auth {

/// The temporary credentials that STS gave out: found by what their session token says, as long as
/// there is the role or user they are of.
class TemporaryCredentials final : public SessionCredentials {
 public:
  /// `tokens` outlives this.
  explicit TemporaryCredentials(SessionTokens& tokens) : tokens_(tokens) {}

  [[nodiscard]] Found find(std::string_view access_key_id, std::string_view session_token,
                           const Identities& identities) const override;

 private:
  SessionTokens& tokens_;
};

}  // namespace kms::auth
