#pragma once

#include <optional>

#include "connector/keystores/key_store.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// What GenerateDataKey and GenerateDataKeyWithoutPlaintext were sent.
struct DataKeyRequest {
  const std::string& key_id;
  const std::optional<EncryptionContext>& encryption_context;
  const std::optional<std::int32_t>& number_of_bytes;
  const std::optional<api::DataKeySpec>& key_spec;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<bool>& dry_run;
};

struct MadeDataKey {
  std::string key_arn;
  keystores::DataKey data_key;
};

/// Usage, state and kind of a key that is to make data keys or data key pairs.
void check_makes_data_keys(const Call& call, const keys::AuthorizedKey& key);

MadeDataKey make_data_key(Call& call, const DataKeyRequest& request);

}  // namespace kms::operations
