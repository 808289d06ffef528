#include "connector/auth/caller.h"

#include <utility>

#include "connector/base/arn.h"

namespace kms::auth {

Caller make_caller(PrincipalPtr principal, SessionPtr session, std::string access_key_id) {
  Caller caller{.arn = principal->arn,
                .account = principal->account,
                .type = {},
                .principal_id = principal->unique_id,
                .user_name = {},
                .access_key_id = std::move(access_key_id),
                .principal = principal,
                .session = session};
  switch (principal->type) {
    case Principal::Type::user:
      caller.type = "IAMUser";
      caller.user_name = principal->name;
      break;
    case Principal::Type::root:
      caller.type = "Root";
      caller.principal_id = principal->account;
      break;
    case Principal::Type::role:
      caller.arn = assumed_role_arn(*principal, session->name);
      caller.type = "AssumedRole";
      caller.principal_id += ":" + session->name;
      break;
  }
  return caller;
}

std::string assumed_role_arn(const Principal& role, std::string_view session_name) {
  Arn arn = Arn::parse(role.arn).value_or(Arn{});
  arn.service = "sts";
  arn.resource = "assumed-role/" + role.name + "/" + std::string(session_name);
  return arn.str();
}

}  // namespace kms::auth
