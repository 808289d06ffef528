#include "connector/api/error.h"
#include "connector/operations/mac.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::VerifyMacResponse verify_mac(Call& call, const api::VerifyMacRequest& in) {
  const auto key = prepare_mac(call, {.key_id = in.key_id,
                                      .algorithm = in.mac_algorithm,
                                      .grant_tokens = in.grant_tokens,
                                      .dry_run = in.dry_run});
  if (!call.key_stores()
           .of(key.record())
           ->verify_mac(key, in.message.view(), in.mac.view(), call.deadline())) {
    throw api::Error(api::ErrorCode::kms_invalid_mac);
  }
  call.used(key);
  return {.key_id = key.arn(), .mac_valid = true, .mac_algorithm = in.mac_algorithm};
}

}  // namespace

extern const Operation kVerifyMac;
constinit const Operation kVerifyMac = operation<verify_mac>("VerifyMac");

}  // namespace kms::operations
