#pragma once

#include <string>

#include "connector/audit/record.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// The audit record of something that the service does to a key by itself. `details`: more members
/// of serviceEventDetails, as JSON that begins with a comma.
audit::Record service_event(const Context& context, const std::string& name,
                            const keys::KeyRecord& key, const std::string& details = {});

}  // namespace kms::operations
