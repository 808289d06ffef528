#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "connector/base/arn.h"

namespace kms::auth {

/// Who made a request, proved by its signature.
struct Caller {
  std::string arn;  // arn:aws:iam::123456789012:user/alice
  std::string account;
  std::string type;          // CloudTrail's userIdentity.type: IAMUser, Root, AssumedRole
  std::string principal_id;  // AIDA...
  std::string user_name;     // empty unless an IAM user
  std::string access_key_id;
  const config::Principal* principal = nullptr;  // its identity policies; outlives the request
};

/// A verified request: the caller and the Region of the credential scope.
struct Identity {
  Caller caller;
  std::string region;
};

}  // namespace kms::auth
