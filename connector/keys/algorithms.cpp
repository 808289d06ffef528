#include "connector/keys/algorithms.h"

#include <algorithm>
#include <array>

#include "connector/api/error.h"

namespace kms::keys {
namespace {

using api::MessageType;
using pkcs11::OaepHash;
using pkcs11::SignatureScheme;
using E = api::EncryptionAlgorithmSpec;
using S = api::SigningAlgorithmSpec;

constexpr std::array kRaw{MessageType::raw};
constexpr std::array kDigest{MessageType::digest};
constexpr std::array kRawOrDigest{MessageType::raw, MessageType::digest};
constexpr std::array kRawOrMu{MessageType::raw, MessageType::external_mu};

constexpr std::array kSigning{
    SigningRow{S::rsassa_pkcs1_v1_5_sha_256, SignatureScheme::rsa_pkcs1_sha256, kRawOrDigest, 32},
    SigningRow{S::rsassa_pkcs1_v1_5_sha_384, SignatureScheme::rsa_pkcs1_sha384, kRawOrDigest, 48},
    SigningRow{S::rsassa_pkcs1_v1_5_sha_512, SignatureScheme::rsa_pkcs1_sha512, kRawOrDigest, 64},
    SigningRow{S::rsassa_pss_sha_256, SignatureScheme::rsa_pss_sha256, kRawOrDigest, 32},
    SigningRow{S::rsassa_pss_sha_384, SignatureScheme::rsa_pss_sha384, kRawOrDigest, 48},
    SigningRow{S::rsassa_pss_sha_512, SignatureScheme::rsa_pss_sha512, kRawOrDigest, 64},
    SigningRow{S::ecdsa_sha_256, SignatureScheme::ecdsa_sha256, kRawOrDigest, 32},
    SigningRow{S::ecdsa_sha_384, SignatureScheme::ecdsa_sha384, kRawOrDigest, 48},
    SigningRow{S::ecdsa_sha_512, SignatureScheme::ecdsa_sha512, kRawOrDigest, 64},
    SigningRow{S::ed25519_sha_512, SignatureScheme::ed25519, kRaw, 64},
    SigningRow{S::ed25519_ph_sha_512, SignatureScheme::ed25519_ph, kDigest, 64},
    SigningRow{S::ml_dsa_shake_256, SignatureScheme::ml_dsa, kRawOrMu, 64},
    SigningRow{S::sm2dsa, std::nullopt, kRawOrDigest, 32},
};

constexpr std::array kEncryption{
    EncryptionRow{E::symmetric_default, std::nullopt, 0},
    EncryptionRow{E::rsaes_oaep_sha_1, OaepHash::sha1, 20},
    EncryptionRow{E::rsaes_oaep_sha_256, OaepHash::sha256, 32},
    EncryptionRow{E::sm2pke, std::nullopt, 0},
};

template <class Rows, class Algorithm>
const auto& row_of(const Rows& rows, Algorithm algorithm) {
  for (const auto& row : rows) {
    if (row.algorithm == algorithm) return row;
  }
  throw api::internal_error("An algorithm is missing from its table.");
}

template <class Range, class Value>
bool contains(const Range& range, Value value) {
  return std::ranges::find(range, value) != range.end();
}

template <class Algorithm>
void check(const KeySpecRow& spec, std::span<const Algorithm> has, Algorithm wanted) {
  if (contains(has, wanted)) return;
  throw api::Error(api::ErrorCode::invalid_key_usage,
                   "Algorithm " + std::string(api::to_string(wanted)) +
                       " is incompatible with key spec " + std::string(api::to_string(spec.spec)) +
                       ".");
}

}  // namespace

std::span<const SigningRow> signing_algorithms() { return kSigning; }
std::span<const EncryptionRow> encryption_algorithms() { return kEncryption; }

const SigningRow& signing_algorithm(api::SigningAlgorithmSpec algorithm) {
  return row_of(kSigning, algorithm);
}

const EncryptionRow& encryption_algorithm(api::EncryptionAlgorithmSpec algorithm) {
  return row_of(kEncryption, algorithm);
}

pkcs11::MessageForm message_form(MessageType type) {
  switch (type) {
    case MessageType::raw:
      return pkcs11::MessageForm::message;
    case MessageType::digest:
      return pkcs11::MessageForm::digest;
    case MessageType::external_mu:
      return pkcs11::MessageForm::external_mu;
  }
  return pkcs11::MessageForm::message;
}

std::size_t max_plaintext(const KeySpecRow& spec, const EncryptionRow& algorithm) {
  constexpr std::size_t kModelMaximum = 4096;
  // RFC 8017, 7.1.1.
  return algorithm.hash ? spec.modulus_size - 2 * algorithm.hash_size - 2 : kModelMaximum;
}

void check_algorithm(const KeySpecRow& spec, api::SigningAlgorithmSpec wanted) {
  check(spec, spec.signing, wanted);
}
void check_algorithm(const KeySpecRow& spec, api::EncryptionAlgorithmSpec wanted) {
  check(spec, spec.encryption, wanted);
}
void check_algorithm(const KeySpecRow& spec, api::MacAlgorithmSpec wanted) {
  check(spec, spec.mac, wanted);
}

void check_message(const KeySpecRow& spec, const SigningRow& algorithm, MessageType type,
                   std::size_t size) {
  const std::string name(api::to_string(algorithm.algorithm));
  if (!contains(algorithm.message_types, type)) {
    // As AWS tells it: the key spec is to blame if it has no algorithm at all for such messages.
    const bool some = std::ranges::any_of(spec.signing, [&](S other) {
      return contains(signing_algorithm(other).message_types, type);
    });
    throw api::validation_error(
        "Message type " + std::string(api::to_string(type)) + " is incompatible with " +
        (some ? "algorithm " + name : "key spec " + std::string(api::to_string(spec.spec))) + ".");
  }
  if (type != MessageType::raw && size != algorithm.digest_size) {
    throw api::validation_error("Digest is invalid length for algorithm " + name + ".");
  }
}

}  // namespace kms::keys
