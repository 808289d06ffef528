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
  // Tags are listed in the order they were added. The marker names the next one, since a client may
  // remove those it has seen before it goes on; if that one is gone, all are shown again.
  auto next = tags.begin();
  const std::string from = open_marker(call, key.record().id, in.marker);
  if (!from.empty()) {
    next = std::ranges::find(tags, from, &keys::Tag::key);
    if (next == tags.end()) next = tags.begin();
  }
  const auto left = static_cast<std::size_t>(tags.end() - next);
  const std::size_t count = std::min(left, page_size(in.limit, kPage));
  std::vector<api::Tag> shown;
  for (std::size_t i = 0; i < count; ++i, ++next)
    shown.push_back({.tag_key = next->key, .tag_value = next->value});
  const bool more = next != tags.end();
  api::ListResourceTagsResponse response{.tags = std::move(shown), .truncated = more};
  if (more) response.next_marker = make_marker(call, key.record().id, next->key);
  return response;
}

}  // namespace

extern const Operation kListResourceTags;
constinit const Operation kListResourceTags = operation<list_resource_tags>("ListResourceTags");

}  // namespace kms::operations
