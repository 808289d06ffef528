#pragma once

#include <string>

#include "connector/api/shapes.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// LimitExceededException if the scope has as many keys as it may have.
void check_key_quota(const Call& call, const Scope& scope);

/// requestParameters of a CreateKey event: CloudTrail tells what the key is made with, sent or not.
std::string create_key_parameters(api::CreateKeyRequest in, api::KeySpec spec,
                                  api::KeyUsageType usage, api::OriginType origin);

}  // namespace kms::operations
