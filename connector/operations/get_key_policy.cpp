#include "connector/api/error.h"
#include "connector/operations/key_policies.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GetKeyPolicyResponse get_key_policy(Call& call, const api::GetKeyPolicyRequest& in) {
  const auto key = call.manage(in.key_id);
  if (in.policy_name.value_or(std::string(kPolicyName)) != kPolicyName) {
    throw api::not_found("No such policy exists");
  }
  return {.policy = policy_text(call, key.record()), .policy_name = std::string(kPolicyName)};
}

}  // namespace

extern const Operation kGetKeyPolicy;
constinit const Operation kGetKeyPolicy = operation<get_key_policy>("GetKeyPolicy");

}  // namespace kms::operations
