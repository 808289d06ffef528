#pragma once

#include <string>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// HMAC-SHA-256 of the message in the token, under the session key of its Region, which is made and
/// recorded at the first asking.
[[nodiscard]] SecretBytes session_mac(pkcs11::Token& token, const std::string& region,
                                      storage::MetadataStore& store, const Clock& clock,
                                      ByteView message, pkcs11::Deadline deadline);

}  // namespace kms::keystores
