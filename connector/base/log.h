#pragma once

#include <string_view>

namespace kms {

enum class LogLevel { debug, info, warning, error };

/// One line to stderr through Poco's logger, with time, level and source ("keystores", "http",
/// ...). The caller answers for it that no secret is in the text.
void log(LogLevel level, std::string_view source, std::string_view text);
/// Lines below this level are dropped; info at start.
void set_log_level(LogLevel level);

}  // namespace kms
