#include <algorithm>
#include <functional>

#include "connector/operations/grants.h"
#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 50, .maximum = 100};

using GrantPage = storage::Page<keys::GrantPtr>;

GrantPage page_of_one(keys::GrantPtr grant, const std::optional<std::string>& grantee,
                      const std::string& after) {
  GrantPage page;
  const bool wanted =
      grant && grant->id > after && (!grantee || grant->grantee_principal == *grantee);
  if (wanted) page.items.push_back(std::move(grant));
  return page;
}

/// The grants of one grantee by id, from among all of them: the store has them by name.
GrantPage page_of_grantee(std::vector<keys::GrantPtr> grants, const std::string& after,
                          std::size_t size) {
  const auto by_id = [](const keys::GrantPtr& grant) -> const std::string& { return grant->id; };
  std::erase_if(grants, [&](const keys::GrantPtr& grant) { return grant->id <= after; });
  GrantPage page;
  page.more = grants.size() > size;
  const auto end = grants.begin() + static_cast<std::ptrdiff_t>(std::min(size, grants.size()));
  std::ranges::partial_sort(grants, end, {}, by_id);
  page.items.assign(grants.begin(), end);
  return page;
}

api::ListGrantsResponse list_grants(Call& call, const api::ListGrantsRequest& in) {
  if (in.grant_id) check_grant_id(*in.grant_id);
  const keys::KeyRecord key = call.manage(in.key_id).record();
  const std::size_t size = page_size(in.limit, kPage);
  const std::string filter =
      key.arn() + " " + in.grant_id.value_or("") + " " + in.grantee_principal.value_or("");
  const std::string after = open_marker(call, filter, in.marker);
  const storage::MetadataStore& store = call.store();
  std::optional<std::string> grantee = in.grantee_principal;
  if (grantee) grantee = call.context().identities.current()->remembered(*grantee);
  const GrantPage page =
      in.grant_id ? page_of_one(store.grant(key.scope, key.id, *in.grant_id), grantee, after)
      : grantee   ? page_of_grantee(store.grants_to(key.scope, key.id, *grantee), after, size)
                  : store.grants_of_key(key.scope, key.id, after, size);
  std::vector<api::GrantListEntry> entries;
  for (const keys::GrantPtr& grant : page.items) entries.push_back(grant_entry(call, *grant));
  api::ListGrantsResponse response{.grants = std::move(entries), .truncated = page.more};
  if (page.more) response.next_marker = make_marker(call, filter, page.items.back()->id);
  return response;
}

}  // namespace

extern const Operation kListGrants;
constinit const Operation kListGrants = operation<list_grants>("ListGrants");

}  // namespace kms::operations
