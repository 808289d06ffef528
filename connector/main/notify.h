#pragma once

#include <string_view>

namespace kms {

/// Tells the supervisor ("READY=1", "STOPPING=1") if it listens (NOTIFY_SOCKET, sd_notify(3));
/// false if it does and cannot be told.
bool notify_supervisor(std::string_view state) noexcept;

}  // namespace kms
