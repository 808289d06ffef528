#pragma once

#include <string_view>

#include "connector/audit/record.h"
#include "connector/auth/identities.h"
#include "connector/auth/session_token.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/sts/query.h"

namespace kms::sts {

/// What every operation works with.
struct Context {
  const auth::IdentityDirectory& identities;
  auth::SessionTokens& tokens;
  const Clock& clock;
  Random& random;
};

/// One authenticated request on its way through its operation.
struct Call {
  const Context& context;
  const Parameters& parameters;
  const auth::Identity& identity;
  audit::Record& record;
};

struct Operation {
  std::string_view name;
  /// Writes the members of the result. Throws Error and api::Error.
  void (*run)(Call& call, Xml& result);
};

/// Null if STS has no such operation, or it is not built here.
[[nodiscard]] const Operation* find_operation(std::string_view name) noexcept;

void assume_role(Call& call, Xml& result);
void get_caller_identity(Call& call, Xml& result);
void get_session_token(Call& call, Xml& result);

}  // namespace kms::sts
