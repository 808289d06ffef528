#pragma once

#include "connector/jobs/clock_guard.h"
#include "connector/operations/call.h"

namespace kms::jobs {

/// Deletes the keys whose waiting period is over and confirmed, with their aliases, and finishes
/// deletions that a crash interrupted. The object in a custom key store's token is destroyed as far
/// as the token can be reached; what stays there is reported in the audit record and by
/// reconciliation. One DeleteKey event a key.
void delete_due_keys(const operations::Context& context, ClockGuard& guard);

}  // namespace kms::jobs
