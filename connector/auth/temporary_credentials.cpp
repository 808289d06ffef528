#include "connector/auth/temporary_credentials.h"

#include <utility>

#include "connector/base/arn.h"

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

Caller caller_of(const SessionClaims& claims, const PrincipalPtr& principal) {
  Caller caller{.arn = principal->arn,
                .account = principal->account,
                .type = "IAMUser",
                .principal_id = principal->unique_id,
                .user_name = principal->name,
                .access_key_id = claims.access_key_id,
                .principal = principal,
                .session = session_of(claims)};
  switch (principal->type) {
    case Principal::Type::user:
      break;
    case Principal::Type::root:
      caller.type = "Root";
      caller.user_name.clear();
      break;
    case Principal::Type::role:
      caller.arn = assumed_role_arn(*principal, claims.session_name);
      caller.type = "AssumedRole";
      caller.principal_id += ":" + claims.session_name;
      caller.user_name.clear();
      break;
  }
  return caller;
}

}  // namespace

std::string assumed_role_arn(const Principal& role, std::string_view session_name) {
  Arn arn = Arn::parse(role.arn).value_or(Arn{});
  arn.service = "sts";
  arn.resource = "assumed-role/" + role.name + "/" + std::string(session_name);
  return arn.str();
}

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
            .caller = caller_of(claims, principal)};
  } catch (const PolicyError&) {
    return {};  // a release that issued it took what this one does not
  }
}

}  // namespace kms::auth
