#include "connector/auth/temporary_credentials.h"

#include <utility>

namespace kms::auth {
namespace {

constexpr const char* kPolicyName = "session policy";

SessionPtr session_of(const SessionClaims& claims) {
  auto session = std::make_shared<Session>();
  session->name = claims.session_name;
  session->issued = claims.issued;
  session->expires = claims.expires;
  for (const std::string& policy : claims.policies) {
    session->policies.push_back(
        {.name = kPolicyName, .policy = parse_policy(policy, PolicyKind::identity)});
  }
  session->tags = claims.tags;
  session->transitive_tag_keys = claims.transitive_tag_keys;
  return session;
}

bool fits(SessionClaims::Kind kind, Principal::Type type) {
  return (kind == SessionClaims::Kind::role) == (type == Principal::Type::role);
}

}  // namespace

SessionCredentials::Found TemporaryCredentials::find(std::string_view access_key_id,
                                                     std::string_view session_token,
                                                     const Identities& identities) const {
  auto opened = tokens_.open(session_token, access_key_id);
  if (!opened) return {};
  const SessionClaims& claims = opened->claims;
  const PrincipalPtr principal = identities.principal(claims.principal_arn);
  if (principal == nullptr || principal->unique_id != claims.principal_id ||
      !fits(claims.kind, principal->type)) {
    return {};
  }
  try {
    return {.status = opened->expired ? Status::expired : Status::valid,
            .secret = std::move(opened->secret_access_key),
            .caller = make_caller(principal, session_of(claims), claims.access_key_id)};
  } catch (const PolicyError&) {
    return {};  // a release that issued it took what this one does not
  }
}

}  // namespace kms::auth
