#pragma once

#include <optional>
#include <span>
#include <string>

#include "connector/api/shapes.h"
#include "connector/keys/key_spec.h"
#include "pkcs11/token.h"

// THE tables of algorithms: what the API says of each, and what the token is asked for.
namespace kms::keys {

struct SigningRow {
  api::SigningAlgorithmSpec algorithm;
  /// Unset: no token operation serves it.
  std::optional<pkcs11::SignatureScheme> scheme;
  std::span<const api::MessageType> message_types;
  /// Length of a message that is hashed already, DIGEST or EXTERNAL_MU.
  std::size_t digest_size;
};

struct EncryptionRow {
  api::EncryptionAlgorithmSpec algorithm;
  /// Of RSAES-OAEP; unset for the others.
  std::optional<pkcs11::OaepHash> hash;
  std::size_t hash_size;
};

std::span<const SigningRow> signing_algorithms();
const SigningRow& signing_algorithm(api::SigningAlgorithmSpec algorithm);
std::span<const EncryptionRow> encryption_algorithms();
const EncryptionRow& encryption_algorithm(api::EncryptionAlgorithmSpec algorithm);

pkcs11::MessageForm message_form(api::MessageType type);

/// What a key of the spec can encrypt at most with the algorithm.
std::size_t max_plaintext(const KeySpecRow& spec, const EncryptionRow& algorithm);

/// InvalidKeyUsageException if `wanted` is none of the algorithms that the key spec has.
void check_algorithm(const KeySpecRow& spec, api::SigningAlgorithmSpec wanted);
void check_algorithm(const KeySpecRow& spec, api::EncryptionAlgorithmSpec wanted);
void check_algorithm(const KeySpecRow& spec, api::MacAlgorithmSpec wanted);

/// ValidationException if the algorithm does not take such a message, or not of this length.
void check_message(const KeySpecRow& spec, const SigningRow& algorithm, api::MessageType type,
                   std::size_t size);

}  // namespace kms::keys
