#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kms {

enum class Mode : unsigned char { serve, check_config, print_config, version, help };

struct Arguments {
  Mode mode = Mode::serve;
  std::string config;  // the file; empty for version and help
};

/// A command line, or what is wrong with it.
struct ParsedArguments {
  std::optional<Arguments> arguments;
  std::string fault;
};

/// `arguments` without the program's name.
ParsedArguments parse_arguments(std::span<const char* const> arguments);

/// The text of --help.
std::string_view usage();

}  // namespace kms
