#include "connector/base/log.h"

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <Poco/PatternFormatter.h>

#include <atomic>
#include <iostream>
#include <string>

#include "connector/base/bytes.h"
#include "connector/base/encodings.h"

namespace kms {
namespace {

// Ours, because Poco's level is a plain int that other threads may read while it is set.
std::atomic<LogLevel> level_in_force{LogLevel::info};

Poco::Logger& logger() {
  static Poco::Logger& instance = []() -> Poco::Logger& {
    const Poco::AutoPtr<Poco::ConsoleChannel> console(new Poco::ConsoleChannel(std::cerr));
    const Poco::AutoPtr<Poco::PatternFormatter> pattern(
        new Poco::PatternFormatter("%Y-%m-%dT%H:%M:%S.%iZ %p %s: %t"));
    const Poco::AutoPtr<Poco::FormattingChannel> channel(
        new Poco::FormattingChannel(pattern, console));
    return Poco::Logger::create("kms", channel, Poco::Message::PRIO_TRACE);
  }();
  return instance;
}

Poco::Message::Priority priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return Poco::Message::PRIO_DEBUG;
    case LogLevel::info:
      return Poco::Message::PRIO_INFORMATION;
    case LogLevel::warning:
      return Poco::Message::PRIO_WARNING;
    case LogLevel::error:
      return Poco::Message::PRIO_ERROR;
  }
  return Poco::Message::PRIO_ERROR;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Control characters as \n or \x1b, C1 controls (U+0080 to U+009F) by their bytes: what a stranger
/// sent cannot forge a line nor talk to the operator's terminal.
std::string on_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool c1 = text[i] == '\xC2' && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) <= 0x9F;
    if (c1) {
      line.append("\\x").append(to_hex(as_bytes(text.substr(i, 1))));
      ++i;
      line.append("\\x").append(to_hex(as_bytes(text.substr(i, 1))));
    } else if (text[i] == '\n') {
      line.append("\\n");
    } else if (is_control(text[i])) {
      line.append("\\x").append(to_hex(as_bytes(text.substr(i, 1))));
    } else {
      line += text[i];
    }
  }
  return line;
}

}  // namespace

void log(LogLevel level, std::string_view source, std::string_view text) {
  if (level < level_in_force.load(std::memory_order_relaxed)) return;
  logger().log(Poco::Message(on_one_line(source), on_one_line(text), priority_of(level)));
}

void set_log_level(LogLevel level) { level_in_force.store(level, std::memory_order_relaxed); }

}  // namespace kms
