#pragma once

#include "config/config.h"
#include "connector/main/stop_signals.h"

namespace kms {

/// Serves until a signal of `stop`, then drains. Prints "ready URL" on standard output once it
/// listens. Throws what hinders it to start.
void serve(const config::Config& config, const StopSignals& stop);

}  // namespace kms
