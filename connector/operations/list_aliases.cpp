#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 50, .maximum = 100};

api::ListAliasesResponse list_aliases(Call& call, const api::ListAliasesRequest& in) {
  if (in.key_id) {
    static_cast<void>(keys::parse_key_reference(*in.key_id, call.scope(), Accepts::key_only));
  }
  call.authorize_account();
  const std::size_t size = page_size(in.limit, kPage);
  storage::Page<keys::AliasPtr> page;
  std::string filter;
  if (in.key_id) {
    const keys::KeyPtr key = call.find_key(*in.key_id, {.accepts = Accepts::key_only});
    if (key->scope.account != call.scope().account) {
      auth::Authorizer::deny_foreign(call.caller(), keys::Action{call.operation()});
    }
    filter = key->id;
    const std::string after = open_marker(call, filter, in.marker);
    page = call.store().aliases_of_key(call.scope(), filter, after, size);
  } else {
    page = call.store().aliases(call.scope(), open_marker(call, filter, in.marker), size);
  }
  std::vector<api::AliasListEntry> entries;
  for (const keys::AliasPtr& alias : page.items) {
    entries.push_back({.alias_name = alias->name,
                       .alias_arn = alias->arn(),
                       .target_key_id = alias->target_key_id,
                       .creation_date = alias->created,
                       .last_updated_date = alias->updated});
  }
  api::ListAliasesResponse response{.aliases = std::move(entries), .truncated = page.more};
  if (page.more) response.next_marker = make_marker(call, filter, page.items.back()->name);
  return response;
}

}  // namespace

extern const Operation kListAliases;
constinit const Operation kListAliases = operation<list_aliases>("ListAliases");

}  // namespace kms::operations
