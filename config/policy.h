#pragma once

#include <string>
#include <vector>

#include "config/reader.h"

namespace config {

/// A policy as the file has it: a document, or a list of statements that stands for one. What they
/// say is not looked at.
Policy read_policy(const Reader& reader, const Node& node, const std::string& name);

/// The policies of a principal or group: one under `policy`, or several by name under `policies`.
std::vector<Policy> read_policies(const Reader& reader, const Node& owner);

}  // namespace config
