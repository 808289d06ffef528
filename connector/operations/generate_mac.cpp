#include "connector/operations/mac.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateMacResponse generate_mac(Call& call, const api::GenerateMacRequest& in) {
  const auto key = prepare_mac(call, {.key_id = in.key_id,
                                      .algorithm = in.mac_algorithm,
                                      .grant_tokens = in.grant_tokens,
                                      .dry_run = in.dry_run});
  Bytes mac =
      call.key_stores().of(key.record())->generate_mac(key, in.message.view(), call.deadline());
  call.used(key);
  return {.mac = api::Blob(std::move(mac)), .mac_algorithm = in.mac_algorithm, .key_id = key.arn()};
}

}  // namespace

extern const Operation kGenerateMac;
constinit const Operation kGenerateMac = operation<generate_mac>("GenerateMac");

}  // namespace kms::operations
