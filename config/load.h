#pragma once

#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/environment.h"

namespace config {

/// One fault of the file. what() is "FILE:LINE:COLUMN: key.path: text" (design: configuration
/// errors).
class Error final : public std::runtime_error {
 public:
  Error(const std::string& file, int line, int column, const std::string& key_path,
        const std::string& text);
};

/// Reads and checks the file, and the secrets it names; throws Error for the first fault.
[[nodiscard]] Config load(const std::string& file);

/// The same for a process that loads its file again: `environment` keeps what variables held.
[[nodiscard]] Config load(const std::string& file, Environment& environment);

/// The same of a text that stands for the file's content.
[[nodiscard]] Config load(const std::string& file, std::string_view text);

/// The effective configuration as YAML, defaults filled in, secrets as "***" with their place in a
/// comment.
void print(const Config& config, std::ostream& out);

}  // namespace config
