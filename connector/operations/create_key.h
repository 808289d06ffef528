#pragma once

#include <string>

#include "connector/api/shapes.h"

namespace kms::operations {

/// requestParameters of a CreateKey event: CloudTrail tells what the key is made with, sent or not.
std::string create_key_parameters(api::CreateKeyRequest in, api::KeySpec spec,
                                  api::KeyUsageType usage, api::OriginType origin);

}  // namespace kms::operations
