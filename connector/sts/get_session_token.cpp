#include <algorithm>
#include <utility>

#include "connector/sts/credentials.h"
#include "connector/sts/error.h"
#include "connector/sts/members.h"
#include "connector/sts/operation.h"

namespace kms::sts {
namespace {

constexpr std::int32_t kShortest = 900;
constexpr std::int32_t kLongest = 129600;
constexpr std::int32_t kDefault = 43200;
constexpr std::int32_t kLongestOfRoot = 3600;

}  // namespace

// Needs no permission: what the session may do is what its user may do.
void get_session_token(Call& call, Xml& result) {
  const auth::Caller& caller = call.identity.caller;
  Members members(call.parameters);
  const auto sent = members.integer("DurationSeconds", kShortest, kLongest);
  members.raise_if_any();
  refuse_members(call.parameters, {"SerialNumber", "TokenCode"});
  const bool root = caller.principal->type == auth::Principal::Type::root;
  const std::int32_t most = root ? kLongestOfRoot : kLongest;
  const std::int32_t duration = std::min(sent.value_or(kDefault), most);
  if (sent) call.record.request_parameters = "{\"durationSeconds\":" + std::to_string(*sent) + "}";
  if (caller.session != nullptr) {
    throw Error(ErrorCode::access_denied, "Cannot call GetSessionToken with session credentials");
  }

  auth::SessionClaims claims;
  claims.kind = auth::SessionClaims::Kind::user;
  claims.principal_arn = caller.principal->arn;
  claims.principal_id = caller.principal->unique_id;
  const Credentials credentials = issue(call, std::move(claims), std::chrono::seconds(duration));
  credentials.write(result);
  call.record.response_elements = "{\"credentials\":" + credentials.json() + "}";
}

}  // namespace kms::sts
