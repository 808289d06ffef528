#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "pkcs11/module.h"

namespace kms::keystores {

/// Loads the module, logs in to the token and probes it. `name` stands in the log,
/// `asked_for` in pkcs11::TokenOptions. Throws pkcs11::Error.
[[nodiscard]] std::unique_ptr<pkcs11::Token> open_token(
    pkcs11::Modules& modules, const config::Token& token, pkcs11::SplitSecret pin,
    bool wrap_materials, std::shared_ptr<pkcs11::PinRefusals> pin_refusals, const std::string& name,
    bool asked_for, pkcs11::Deadline deadline);

}  // namespace kms::keystores
