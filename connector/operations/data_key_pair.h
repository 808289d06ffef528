#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connector/operations/call.h"

namespace kms::operations {

/// What GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext were sent.
struct DataKeyPairRequest {
  const std::string& key_id;
  const std::optional<EncryptionContext>& encryption_context;
  api::DataKeyPairSpec key_pair_spec;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<bool>& dry_run;
};

struct MadeDataKeyPair {
  std::string key_arn;
  keystores::DataKeyPair pair;
};

MadeDataKeyPair make_data_key_pair(Call& call, const DataKeyPairRequest& request);

}  // namespace kms::operations
