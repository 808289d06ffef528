#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/policy.h"
#include "connector/base/clock.h"

namespace kms::auth {

using Tags = std::map<std::string, std::string>;

/// A user, role or account root with all that its own policies say. Made by Identities from the
/// configuration, and never changed.
struct Principal {
  enum class Type : std::uint8_t { root, user, role };
  Type type = Type::user;
  std::string arn;  // arn:aws:iam::123456789012:user/alice
  std::string account;
  std::string name;                     // without its path
  std::string unique_id;                // AIDA..., AROA... or the account
  std::vector<NamedPolicy> policies;    // its own, then those of its groups
  std::optional<NamedPolicy> boundary;  // permissions boundary
  Tags tags;
  // Of roles.
  std::optional<Policy> trust_policy;
  std::chrono::seconds max_session_duration{3600};
  /// Sessions that began before are refused; unset: none.
  std::optional<Timestamp> sessions_not_before;
};
using PrincipalPtr = std::shared_ptr<const Principal>;

/// What temporary credentials add to their principal.
struct Session {
  std::string name;  // RoleSessionName; empty for GetSessionToken
  Timestamp issued{};
  Timestamp expires{};
  std::vector<NamedPolicy> policies;             // session policies
  Tags tags;                                     // session tags, which outweigh the principal's
  std::vector<std::string> transitive_tag_keys;  // of those, what roles assumed from here inherit
};
using SessionPtr = std::shared_ptr<const Session>;

/// Who made a request, proved by its signature.
struct Caller {
  std::string
      arn;  // arn:aws:iam::123456789012:user/alice, arn:aws:sts::...:assumed-role/app/session
  std::string account;
  std::string type;          // CloudTrail's userIdentity.type: IAMUser, Root, AssumedRole
  std::string principal_id;  // AIDA..., AROA...:session
  std::string user_name;     // empty unless an IAM user
  std::string access_key_id;
  PrincipalPtr principal;  // the user, root, or role of the session
  SessionPtr session;      // null unless the credentials are temporary
};

/// Whoever holds credentials of the principal: of a role they are a session's, of others they may
/// be.
Caller make_caller(PrincipalPtr principal, SessionPtr session, std::string access_key_id);
/// "arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION".
std::string assumed_role_arn(const Principal& role, std::string_view session_name);

/// A verified request: the caller and the Region of the credential scope.
struct Identity {
  Caller caller;
  std::string region;
};

}  // namespace kms::auth
