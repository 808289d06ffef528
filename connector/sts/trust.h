#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/condition.h"
#include "connector/sts/operation.h"

// Who may assume a role.
namespace kms::sts {

/// The condition keys of AssumeRole.
class TrustConditions final : public auth::ConditionSource {
 public:
  struct Parts {
    const Call& call;
    const std::string& role_arn;
    const auth::Principal* role;  // null: there is none
    const std::string& session_name;
    const std::optional<std::string>& external_id;
    const auth::Tags& tags;  // of the session to be
    const std::vector<std::string>& transitive_tag_keys;
  };
  explicit TrustConditions(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] std::optional<std::vector<std::string>> values(
      const auth::ConditionKey& key) const override;

 private:
  const Parts parts_;
};

/// Whether the role's trust policy and the caller's own policies allow the action on the role, and
/// what decided: a pure function of its arguments.
[[nodiscard]] audit::Decision decide_trust(const auth::Caller& caller, const auth::Principal& role,
                                           std::string_view action,
                                           const auth::ConditionSource& conditions);

}  // namespace kms::sts
