#pragma once

#include <optional>
#include <string>

#include "connector/keys/import_token.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// An import token that nobody can make or alter who cannot use the token's key-encryption key: the
/// wrapping key and what it is for are sealed (AES-256-GCM, in the token) under a key made for this
/// one import token.
[[nodiscard]] Bytes seal_import_token(pkcs11::Token& token, const std::string& key_arn,
                                      pkcs11::ImportScheme scheme, Timestamp valid_to,
                                      const pkcs11::WrappedMaterial& wrapping_key,
                                      pkcs11::Deadline deadline);
/// The wrapping key; nullopt if it was not sealed so.
[[nodiscard]] std::optional<pkcs11::WrappedMaterial> open_import_token(
    pkcs11::Token& token, const keys::SealedImportToken& sealed, pkcs11::Deadline deadline);

}  // namespace kms::keystores
