#include "connector/api/error.h"
#include "connector/operations/operation.h"
#include "connector/operations/tags.h"

namespace kms::operations {
namespace {

void tag_resource(Call& call, const api::TagResourceRequest& in) {
  const std::size_t limit = call.limits().tags_per_key;
  check_tags(in.tags, limit);
  keys::KeyRecord key = call.manage(in.key_id).record();
  merge_tags(key.tags, in.tags);
  if (key.tags.size() > limit) {
    throw api::Error(api::ErrorCode::limit_exceeded,
                     "The number of tags on this key is at its limit.");
  }
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kTagResource;
constinit const Operation kTagResource = operation<tag_resource>("TagResource");

}  // namespace kms::operations
