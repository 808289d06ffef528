#pragma once

#include "connector/jobs/scheduler.h"
#include "connector/operations/call.h"

namespace kms::jobs {

/// Rotates the enabled keys whose automatic rotation is due, each with its RotateKey event. A key
/// that was disabled past its date is rotated as soon as it is enabled again.
void rotate_due_keys(const operations::Context& context, const StopFlag& stop);

}  // namespace kms::jobs
