#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connector/api/schema.h"
#include "connector/auth/condition.h"
#include "connector/auth/global_keys.h"
#include "connector/keys/action.h"
#include "connector/keys/ciphertext.h"
#include "connector/keys/records.h"

namespace kms::auth {

/// What a request tells a decision besides its caller, action and key. Everything it refers to
/// outlives the decision.
struct RequestContext {
  Environment environment;
  /// The decoded request: its members fill most condition keys. Null: there is none (explain).
  const api::Structure* input = nullptr;
  const void* request = nullptr;
  /// Of the side of the request that the action is about.
  const keys::EncryptionContext* encryption_context = nullptr;
  std::string_view alias{};        // by which the request names the key; empty: it does not
  std::optional<bool> same_key{};  // ReEncrypt: source and destination are one key
  const keys::GrantRecord* retired = nullptr;  // RetireGrant
  const keys::KeyRecord* primary = nullptr;    // of the replica that an action without a key makes
  /// Of the key: its aliases, nullopt if there are more than it may have; its last use.
  std::function<std::optional<std::vector<std::string>>()> key_aliases{};
  std::function<std::optional<Timestamp>()> last_use{};
  /// Condition keys that outweigh all others (explain's --context).
  std::span<const std::pair<std::string, std::string>> given{};

  /// A member of the request as policies write its values: enums, lists, numbers and dates alike;
  /// nullopt if it was not sent.
  [[nodiscard]] Values member(std::string_view name) const;
};

/// The condition keys of one decision.
class RequestConditions final : public ConditionSource {
 public:
  struct Facts {
    const Caller& caller;
    keys::Action action;
    const keys::KeyRecord* key;  // null: an operation without one
    const RequestContext& context;
    bool key_policy =
        false;  // whose conditions it is; kms:ResourceAliases is for identity policies only
  };
  explicit RequestConditions(const Facts& facts) : facts_(facts) {}
  [[nodiscard]] Values values(const ConditionKey& key) const override;
  /// kms:ResourceAliases of a key that has more aliases than it may (KMS Developer Guide).
  [[nodiscard]] bool untold(const ConditionKey& key) const override;

 private:
  [[nodiscard]] Values given(const ConditionKey& key) const;

  Facts facts_;
};

/// The names of KMS's condition keys, in lower case; those that take a name end with ":".
std::vector<std::string_view> kms_condition_keys();

}  // namespace kms::auth
