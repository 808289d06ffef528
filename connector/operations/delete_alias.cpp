#include "connector/operations/aliases.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

void delete_alias(Call& call, const api::DeleteAliasRequest& in) {
  check_alias_name(in.alias_name);
  call.authorize_account({}, alias_arn(call.scope(), in.alias_name));
  keys::AliasRecord alias = existing_alias(call, in.alias_name);
  call.touches(alias.arn(), alias.scope.account);
  // Also allowed on the key itself; the state table lets it pass in every state.
  (void)call.manage(alias.target_key_id);
  call.commit({storage::Erase<keys::AliasRecord>{std::move(alias)}});
}

}  // namespace

extern const Operation kDeleteAlias;
constinit const Operation kDeleteAlias = operation<delete_alias>("DeleteAlias");

}  // namespace kms::operations
