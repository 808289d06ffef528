#pragma once

#include <optional>
#include <string>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "pkcs11/token.h"

// The import token of GetParametersForImport: all that ImportKeyMaterial needs to know of the
// wrapping key, so that nothing is remembered of it.
namespace kms::keys {

/// A token that was opened.
struct ImportToken {
  pkcs11::ImportScheme scheme = pkcs11::ImportScheme::oaep_sha256;
  Timestamp valid_to{};
  pkcs11::WrappedMaterial wrapping_key;
};

/// What stands in the clear, all of it authenticated.
struct ImportTokenHeader {
  std::string key_arn;
  pkcs11::ImportScheme scheme = pkcs11::ImportScheme::oaep_sha256;
  Timestamp valid_to{};
  /// The fresh AES key that seals this one token.
  pkcs11::WrappedMaterial sealing_key;
  bool operator==(const ImportTokenHeader&) const = default;
};

/// A token as it is sent.
struct SealedImportToken {
  ImportTokenHeader header;
  Bytes iv;
  Bytes data;  // encode_wrapping_key() and what AES-GCM adds
};

/// Precondition: the sealing key is AES, iv of 1 to 255 bytes, names and blobs within their limits.
Bytes encode(const ImportTokenHeader& header, ByteView iv, ByteView data);
/// nullopt for anything encode() does not make.
std::optional<SealedImportToken> parse_import_token(ByteView token);
/// What AES-GCM authenticates besides the wrapping key.
Bytes additional_data(const ImportTokenHeader& header);

/// Precondition: an RSA key.
Bytes encode_wrapping_key(const pkcs11::WrappedMaterial& key);
/// nullopt for anything encode_wrapping_key() does not make.
std::optional<pkcs11::WrappedMaterial> parse_wrapping_key(ByteView bytes);

}  // namespace kms::keys
