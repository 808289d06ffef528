#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connector/operations/call.h"

namespace kms::operations {

/// What GenerateMac and VerifyMac were both sent.
struct MacRequest {
  const std::string& key_id;
  api::MacAlgorithmSpec algorithm;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<bool>& dry_run;
};

/// Checks all that comes before the cryptography; a dry run ends here.
keys::AuthorizedKey prepare_mac(Call& call, const MacRequest& request);

}  // namespace kms::operations
