#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 100, .maximum = 1000};

api::ListKeysResponse list_keys(Call& call, const api::ListKeysRequest& in) {
  call.authorize_account();
  const std::string after = open_marker(call, "", in.marker);
  const auto page = call.store().keys(call.scope(), after, page_size(in.limit, kPage));
  std::vector<api::KeyListEntry> entries;
  for (const keys::KeyPtr& key : page.items) {
    if (key->visible()) entries.push_back({.key_id = key->id, .key_arn = key->arn()});
  }
  api::ListKeysResponse response{.keys = std::move(entries), .truncated = page.more};
  if (page.more) response.next_marker = make_marker(call, "", page.items.back()->id);
  return response;
}

}  // namespace

extern const Operation kListKeys;
constinit const Operation kListKeys = operation<list_keys>("ListKeys");

}  // namespace kms::operations
