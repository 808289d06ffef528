#include "connector/api/error.h"
#include "connector/operations/key_policies.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::ListKeyPoliciesResponse list_key_policies(Call& call, const api::ListKeyPoliciesRequest& in) {
  static_cast<void>(call.manage(in.key_id));
  // One page always suffices, so that no marker was ever given out.
  if (in.marker) throw api::validation_error("The marker is not valid.");
  return {.policy_names = std::vector<std::string>{std::string(kPolicyName)}, .truncated = false};
}

}  // namespace

extern const Operation kListKeyPolicies;
constinit const Operation kListKeyPolicies = operation<list_key_policies>("ListKeyPolicies");

}  // namespace kms::operations
