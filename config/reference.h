#pragma once

#include <string>

// What the tables of options.h say, for people.
namespace config {

/// The option tables of docs/configuration.md, in Markdown.
std::string reference();

/// A configuration with every option: those with a default at it, the others at an example or
/// commented out.
std::string full_example();

}  // namespace config
