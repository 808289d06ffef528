#include <algorithm>

#include "connector/api/error.h"
#include "connector/auth/principal.h"
#include "connector/operations/grants.h"
#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 50, .maximum = 100};

/// A principal of the caller's own account; it need not exist any more.
void check_principal(const Call& call, const std::string& arn) {
  if (!auth::is_principal_arn(call.config().partition, arn) ||
      Arn::parse(arn)->account != call.scope().account) {
    throw api::Error(api::ErrorCode::invalid_arn,
                     "ARN does not refer to a valid principal: " + arn);
  }
}

std::string position(const keys::GrantRecord& grant) { return grant.scope.account + grant.id; }

// The keys may be those of any account: page through one after the other.
api::ListGrantsResponse list_retirable_grants(Call& call,
                                              const api::ListRetirableGrantsRequest& in) {
  const std::string& principal = in.retiring_principal;
  check_principal(call, principal);
  call.authorize_account({}, principal);
  const std::size_t size = page_size(in.limit, kPage);
  const std::string after = open_marker(call, principal, in.marker);
  std::vector<std::string> accounts = call.config().accounts;
  std::ranges::sort(accounts);

  const std::string retiring = call.context().identities.current()->remembered(principal);
  std::vector<keys::GrantPtr> grants;
  bool more = false;
  for (const std::string& account : accounts) {
    const std::string_view last = after;
    const std::string_view reached = last.substr(0, account.size());
    if (account < reached) continue;
    const auto page = call.store().grants_retirable_by(
        {account, call.scope().region}, retiring,
        account == reached ? last.substr(account.size()) : std::string_view{},
        size - grants.size());
    grants.insert(grants.end(), page.items.begin(), page.items.end());
    more = page.more;
    if (more) break;
  }
  api::ListGrantsResponse response{.grants = std::vector<api::GrantListEntry>{}, .truncated = more};
  for (const keys::GrantPtr& grant : grants) response.grants->push_back(grant_entry(call, *grant));
  if (more) response.next_marker = make_marker(call, principal, position(*grants.back()));
  return response;
}

}  // namespace

extern const Operation kListRetirableGrants;
constinit const Operation kListRetirableGrants =
    operation<list_retirable_grants>("ListRetirableGrants");

}  // namespace kms::operations
