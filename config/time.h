#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace config {

/// "2026-11-24T00:00:00Z"; nullopt for anything else.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);
std::string format_time(std::chrono::sys_seconds time);

}  // namespace config
