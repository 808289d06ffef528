#pragma once

#include <string>

#include "config/config.h"
#include "config/environment.h"
#include "connector/main/signals.h"

namespace kms {

/// Serves until a signal to stop, then drains; on SIGHUP takes the identities of `file`, which
/// `config` was read from with `environment`. Prints "ready URL" on standard output once it
/// listens. Throws what hinders it to start.
void serve(const config::Config& config, const std::string& file, config::Environment& environment,
           const Signals& signals);

}  // namespace kms
