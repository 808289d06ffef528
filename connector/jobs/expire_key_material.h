#pragma once

#include "connector/jobs/clock_guard.h"
#include "connector/jobs/scheduler.h"
#include "connector/operations/call.h"

namespace kms::jobs {

/// Deletes the imported material whose ValidTo is over and confirmed. One DeleteExpiredKeyMaterial
/// event a material.
void expire_key_material(const operations::Context& context, ClockGuard& guard,
                         const StopFlag& stop);

}  // namespace kms::jobs
