#pragma once

#include <span>
#include <string>

#include "connector/auth/caller.h"
#include "connector/keys/authorized_key.h"
#include "connector/keys/ciphertext.h"

namespace kms::auth {

/// What a decision may look at besides caller, action and key; grows with conditions.
struct RequestContext {
  const keys::EncryptionContext* encryption_context = nullptr;
  std::span<const keys::GrantPtr> grants{};  // that the request's grant tokens name
};

/// Decides who may do what, and the only maker of AuthorizedKey. Until key policies and grants are
/// enforced, every key has the default policy, which delegates to the identity policies of its own
/// account, and a grant allows nothing but its own retirement.
class Authorizer {
 public:
  /// Throws AccessDeniedException in AWS's words.
  [[nodiscard]] keys::AuthorizedKey authorize(const Caller& caller, keys::Action action,
                                              keys::KeyPtr key,
                                              const RequestContext& context) const;
  /// Who may retire a grant: its retiring principal, its grantee if RetireGrant is among its
  /// operations, and whom the identity policies of the issuing account allow it.
  [[nodiscard]] keys::AuthorizedKey authorize_retirement(const Caller& caller, keys::Action action,
                                                         keys::KeyPtr key,
                                                         const keys::GrantRecord& grant) const;
  /// For operations without a key (CreateKey, ListKeys, custom key stores): resource "*".
  void authorize_account(const Caller& caller, keys::Action action,
                         const RequestContext& context) const;
  /// The refusal for a key of another account that is absent or forbidden: the two look the same.
  [[noreturn]] static void deny_foreign(const Caller& caller, keys::Action action);
  /// The same for a ciphertext's key, where the request named none.
  [[noreturn]] static void deny_ciphertext(const Caller& caller, keys::Action action);
  /// The door for jobs, which have no caller.
  [[nodiscard]] static keys::AuthorizedKey for_service(keys::KeyPtr key, keys::Action action);
};

}  // namespace kms::auth
