#pragma once

#include <optional>
#include <span>

#include "connector/api/shapes.h"
#include "pkcs11/token.h"

// THE table of key specs: what the API lets each be used for (Developer Guide, "Key spec
// reference").
namespace kms::keys {

struct KeySpecRow {
  api::KeySpec spec;
  std::span<const api::KeyUsageType> usages;
  std::span<const api::EncryptionAlgorithmSpec> encryption;
  std::span<const api::SigningAlgorithmSpec> signing;
  std::span<const api::MacAlgorithmSpec> mac;
  std::span<const api::KeyAgreementAlgorithmSpec> agreement;
  /// How a token holds it; unset: no token operation serves this spec.
  std::optional<pkcs11::KeyKind> kind;
  std::size_t modulus_size = 0;  // of RSA, in bytes
};

std::span<const KeySpecRow> key_specs();
const KeySpecRow& key_spec(api::KeySpec spec);
/// Of the spec that such keys have.
const KeySpecRow& key_spec(pkcs11::KeyKind kind);
bool allows(const KeySpecRow& row, api::KeyUsageType usage);

}  // namespace kms::keys
