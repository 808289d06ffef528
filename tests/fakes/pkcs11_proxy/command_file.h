#pragma once

#include <string>

#include "tests/fakes/pkcs11_proxy/control.h"

namespace pkcs11_proxy {

/// Obeys one line of the language that control.h describes; throws std::exception with what is
/// wrong.
void obey(Control& control, const std::string& line);

/// Obeys the file that KMS_PROXY_CONTROL names, now and whenever it changes. Does nothing without
/// it, or when called again.
void follow_command_file();

}  // namespace pkcs11_proxy
