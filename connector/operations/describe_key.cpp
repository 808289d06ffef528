#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::DescribeKeyResponse describe_key(Call& call, const api::DescribeKeyRequest& in) {
  const auto key = call.authorize(in.key_id, {.grant_tokens = &in.grant_tokens});
  return {.key_metadata = call.metadata(key.record())};
}

}  // namespace

extern const Operation kDescribeKey;
constinit const Operation kDescribeKey = operation<describe_key>("DescribeKey");

}  // namespace kms::operations
