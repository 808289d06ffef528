#pragma once

#include <string>

#include "connector/base/arn.h"
#include "connector/base/bytes.h"
#include "connector/keys/records.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Encrypts the password of a key store under a fresh key of its Region's token, bound to that key
/// store.
[[nodiscard]] keys::SealedSecret seal_password(pkcs11::Token& token, const Scope& scope,
                                               const std::string& store_id,
                                               const SecretString& password,
                                               pkcs11::Deadline deadline);
/// Throws pkcs11::Error{material_rejected} if it was not sealed for this key store.
[[nodiscard]] SecretBytes open_password(pkcs11::Token& token, const keys::KeyStoreRecord& store,
                                        pkcs11::Deadline deadline);

}  // namespace kms::keystores
