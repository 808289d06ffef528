#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace config {

/// The keys of the top level that say something else in one than in the other, as print() shows
/// them, in alphabetical order.
std::vector<std::string> changed_sections(const Config& one, const Config& other);

}  // namespace config
