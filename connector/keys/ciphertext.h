#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "connector/base/bytes.h"

// The ciphertext blob of symmetric keys. docs/ciphertext.md describes it byte by byte; it is kept
// readable for ever.
namespace kms::keys {

using EncryptionContext = std::map<std::string, std::string, std::less<>>;

/// How the payload was made. New suites get new numbers; old ones are never removed.
enum class Suite : std::uint8_t { aes_256_gcm = 1 };

/// What stands before the payload, all of it authenticated.
struct CiphertextHeader {
  Suite suite = Suite::aes_256_gcm;
  std::string account;  // 12 digits
  std::string region;
  std::string key_id;
  std::string material_id;  // 64 hex digits
  std::uint32_t generation = 0;
  bool operator==(const CiphertextHeader&) const = default;
};

struct Ciphertext {
  CiphertextHeader header;
  Bytes iv;
  Bytes data;  // ciphertext and tag
};

/// The blob. Precondition: iv of 1 to 255 bytes, names within their limits.
Bytes encode(const CiphertextHeader& header, ByteView iv, ByteView data);
/// nullopt for anything encode() does not make.
std::optional<Ciphertext> parse_ciphertext(ByteView blob);
/// What AES-GCM authenticates besides the plaintext: the header and the encryption context in an
/// order-free, injective form.
Bytes additional_data(const CiphertextHeader& header, const EncryptionContext& context);

}  // namespace kms::keys
