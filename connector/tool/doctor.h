#pragma once

#include <iosfwd>

#include "config/config.h"

namespace kms::tool {

/// Opens the token of each Region, one after the other, and prints what it can serve and how, how
/// long the main calls take, and what would go wrong. Keys are made and used on the way; none is
/// left in the token but our own (key-encryption key and canary). Returns whether every token can
/// serve keys. Throws storage::Error if a daemon holds the database, which knows the PINs that were
/// refused.
bool doctor(const config::Config& config, std::ostream& out);

}  // namespace kms::tool
