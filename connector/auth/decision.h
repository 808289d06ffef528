#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/own_policies.h"
#include "connector/auth/request_conditions.h"
#include "connector/keys/records.h"

// May this caller do this to this key? Pure functions of their arguments (KMS Developer Guide,
// "Policy evaluation").
namespace kms::auth {

enum class Reason : std::uint8_t {
  // Allowed by
  key_policy,
  identity_policy,
  grant,
  retirement,  // the grant that is being retired says so itself
  // Denied in
  deny_in_key_policy,
  deny_in_identity_policy,
  deny_in_boundary,
  deny_in_session_policy,
  // Not allowed by
  no_key_policy,
  no_identity_policy,
  no_boundary,
  no_session_policy,
  not_across_accounts,  // the operation works in the key's own account only
};

struct Decision {
  bool allowed = false;
  Reason reason{};
  std::string policy;     // that decided; empty: none did
  std::string statement;  // its Sid; empty: it has none
  keys::GrantPtr grant;   // with Reason::grant and retirement
};

/// What decides about a key.
struct KeyQuestion {
  const Caller& caller;
  keys::Action action;
  const keys::KeyRecord& key;
  const Policy& key_policy;
  /// Finds, among those whose grantee may be the caller, a grant for which the predicate holds;
  /// asked only where policies do not allow it.
  using Predicate = std::function<bool(const keys::GrantRecord&)>;
  std::function<keys::GrantPtr(const Predicate&)> find_grant{};
  const RequestContext& context;
};

/// Explicit denials first, then the key policy with the identity policies it delegates to, then
/// grants.
Decision decide(const KeyQuestion& question);

/// Whether the caller may retire the grant: its retiring principal, its grantee if RetireGrant is
/// among its operations, and whom the identity policies of the issuing account allow it; a Deny
/// outweighs that.
Decision decide_retirement(const KeyQuestion& question, const keys::GrantPtr& grant);

/// An operation without a key: identity policies alone. `resource`: an ARN, or "*".
Decision decide_account(const Caller& caller, keys::Action action, std::string_view resource,
                        const RequestContext& context);

/// Whether the action works on keys of other accounts.
bool works_across_accounts(keys::Action action);

/// Whether the grant covers the caller's request, its constraints included. For CreateGrant:
/// whether the new grant is no wider than this one.
bool grant_covers(const keys::GrantRecord& grant, const KeyQuestion& question);

}  // namespace kms::auth
