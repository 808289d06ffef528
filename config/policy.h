#pragma once

#include <vector>

#include "config/reader.h"

namespace config {

/// An identity policy in IAM's spelling: a list of statements, or a document with Version and
/// Statement.
std::vector<Statement> read_policy(const Reader& reader, const Node& node);

}  // namespace config
