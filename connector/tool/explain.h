#pragma once

#include <iosfwd>

#include "config/config.h"
#include "connector/tool/explain_options.h"

namespace kms::tool {

/// Prints what each statement and grant says of the request and how it is decided, from what is in
/// the database now; a daemon may run beside. Returns whether it is allowed. Throws ExplainFault,
/// storage::Error.
bool explain(const config::Config& config, const ExplainOptions& options, std::ostream& out);

}  // namespace kms::tool
