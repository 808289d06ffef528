#include "connector/api/error.h"
#include "connector/operations/key_policies.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void put_key_policy(Call& call, const api::PutKeyPolicyRequest& in) {
  if (in.policy_name.value_or(std::string(kPolicyName)) != kPolicyName) {
    throw api::unsupported_operation("Only default policy is supported");
  }
  keys::KeyRecord key = call.manage(in.key_id).record();
  key.policy = check_policy(call, key, in.policy, in.bypass_policy_lockout_safety_check);
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kPutKeyPolicy;
constinit const Operation kPutKeyPolicy = operation<put_key_policy>("PutKeyPolicy");

}  // namespace kms::operations
