#include <algorithm>

#include "connector/operations/operation.h"
#include "connector/operations/tags.h"

namespace kms::operations {
namespace {

void untag_resource(Call& call, const api::UntagResourceRequest& in) {
  for (const std::string& key : in.tag_keys) check_tag_key(key);
  keys::KeyRecord key = call.manage(in.key_id).record();
  std::erase_if(key.tags, [&](const keys::Tag& tag) {
    return std::ranges::count(in.tag_keys, tag.key) != 0;
  });
  call.commit({storage::Put<keys::KeyRecord>{std::move(key)}});
}

}  // namespace

extern const Operation kUntagResource;
constinit const Operation kUntagResource = operation<untag_resource>("UntagResource");

}  // namespace kms::operations
