#pragma once

#include <string>

#include "config/config.h"
#include "config/environment.h"
#include "connector/service/application.h"

namespace kms {

/// Reads the file again and puts its principals and groups into effect, all or, if the file has any
/// fault, none; logs what happened. `started` is what the application was started with, read with
/// `environment`. Whether they are in effect.
bool reload_identities(const std::string& file, config::Environment& environment,
                       const config::Config& started, service::Application& application) noexcept;

}  // namespace kms
