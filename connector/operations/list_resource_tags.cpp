#include <algorithm>

#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 50, .maximum = 50};

api::ListResourceTagsResponse list_resource_tags(Call& call,
                                                 const api::ListResourceTagsRequest& in) {
  const auto key = call.manage(in.key_id);
  const std::vector<keys::Tag>& tags = key.record().tags;
  // Tags are listed in the order they were added; the marker names the last one shown.
  auto next = tags.begin();
  const std::string after = open_marker(call, key.record().id, in.marker);
  if (!after.empty()) {
    next = std::ranges::find(tags, after, &keys::Tag::key);
    if (next != tags.end()) ++next;
  }
  const auto left = static_cast<std::size_t>(tags.end() - next);
  const std::size_t count = std::min(left, page_size(in.limit, kPage));
  std::vector<api::Tag> shown;
  for (std::size_t i = 0; i < count; ++i, ++next)
    shown.push_back({.tag_key = next->key, .tag_value = next->value});
  const bool more = next != tags.end();
  api::ListResourceTagsResponse response{.tags = std::move(shown), .truncated = more};
  if (more)
    response.next_marker = make_marker(call, key.record().id, response.tags->back().tag_key);
  return response;
}

}  // namespace

extern const Operation kListResourceTags;
constinit const Operation kListResourceTags = operation<list_resource_tags>("ListResourceTags");

}  // namespace kms::operations
