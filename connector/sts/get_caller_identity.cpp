#include "connector/sts/operation.h"

namespace kms::sts {

// Needs no permission, and no policy can deny it.
void get_caller_identity(Call& call, Xml& result) {
  const auth::Caller& caller = call.identity.caller;
  result.element("Arn", caller.arn);
  result.element("UserId", caller.principal_id);
  result.element("Account", caller.account);
}

}  // namespace kms::sts
