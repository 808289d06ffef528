#include "connector/operations/mac.h"

#include "connector/keys/algorithms.h"

namespace kms::operations {

keys::AuthorizedKey prepare_mac(Call& call, const MacRequest& request) {
  auto key = call.authorize(request.key_id, {.grant_tokens = &request.grant_tokens});
  call.check_usage(key, api::KeyUsageType::generate_verify_mac);
  call.check_state(key);
  keys::check_algorithm(keys::key_spec(key.record().spec), request.algorithm);
  call.end_dry_run(request.dry_run);
  return key;
}

}  // namespace kms::operations
