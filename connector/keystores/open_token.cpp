#include "connector/keystores/open_token.h"

#include <utility>

#include "connector/base/log.h"

namespace kms::keystores {

std::unique_ptr<pkcs11::Token> open_token(pkcs11::Modules& modules, const config::Token& token,
                                          pkcs11::SplitSecret pin, bool wrap_materials,
                                          std::shared_ptr<pkcs11::PinRefusals> pin_refusals,
                                          const std::string& name, bool asked_for,
                                          pkcs11::Deadline deadline) {
  pkcs11::TokenOptions options{.selector = token.selector,
                               .pin = std::move(pin),
                               .max_sessions = token.sessions,
                               .max_cached_materials = token.cached_materials,
                               .wrap_materials = wrap_materials,
                               .asked_for = asked_for,
                               .quirks = token.quirks,
                               .pin_refusals = std::move(pin_refusals),
                               .log = [name](const std::string& line) {
                                 kms::log(LogLevel::warning, "keystores", name + ": " + line);
                               }};
  return modules.load(token.module, token.init_args, deadline)->open(std::move(options), deadline);
}

}  // namespace kms::keystores
