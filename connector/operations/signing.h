#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connector/keys/algorithms.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// What Sign and Verify were both sent.
struct SigningRequest {
  const std::string& key_id;
  const SecretBytes& message;
  const std::optional<api::MessageType>& message_type;
  api::SigningAlgorithmSpec algorithm;
  const std::optional<std::vector<std::string>>& grant_tokens;
  const std::optional<bool>& dry_run;
};

/// A key, and how it signs.
struct Signing {
  keys::AuthorizedKey key;
  std::shared_ptr<keystores::KeyStore> store;
  pkcs11::SignatureScheme scheme;
  pkcs11::MessageForm form;
};

/// Checks all that comes before the cryptography; a dry run ends here.
Signing prepare_signing(Call& call, const SigningRequest& request);

}  // namespace kms::operations
