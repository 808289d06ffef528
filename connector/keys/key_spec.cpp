#include "connector/keys/key_spec.h"

#include <algorithm>
#include <array>

#include "connector/api/error.h"

namespace kms::keys {
namespace {

using api::KeySpec;
using api::KeyUsageType;
using pkcs11::KeyKind;
using E = api::EncryptionAlgorithmSpec;
using S = api::SigningAlgorithmSpec;
using M = api::MacAlgorithmSpec;

constexpr std::array kEncrypt{KeyUsageType::encrypt_decrypt};
constexpr std::array kSign{KeyUsageType::sign_verify};
constexpr std::array kMac{KeyUsageType::generate_verify_mac};
constexpr std::array kEncryptOrSign{KeyUsageType::encrypt_decrypt, KeyUsageType::sign_verify};
constexpr std::array kSignOrAgree{KeyUsageType::sign_verify, KeyUsageType::key_agreement};
constexpr std::array kEncryptSignOrAgree{KeyUsageType::encrypt_decrypt, KeyUsageType::sign_verify,
                                         KeyUsageType::key_agreement};

constexpr std::array kSymmetric{E::symmetric_default};
constexpr std::array kOaep{E::rsaes_oaep_sha_1, E::rsaes_oaep_sha_256};
constexpr std::array kSm2pke{E::sm2pke};
// The order in which AWS lists them.
constexpr std::array kRsaSigning{S::rsassa_pkcs1_v1_5_sha_256, S::rsassa_pkcs1_v1_5_sha_384,
                                 S::rsassa_pkcs1_v1_5_sha_512, S::rsassa_pss_sha_256,
                                 S::rsassa_pss_sha_384,        S::rsassa_pss_sha_512};
constexpr std::array kEcdsa256{S::ecdsa_sha_256};
constexpr std::array kEcdsa384{S::ecdsa_sha_384};
constexpr std::array kEcdsa512{S::ecdsa_sha_512};
constexpr std::array kEd25519{S::ed25519_sha_512, S::ed25519_ph_sha_512};
constexpr std::array kMlDsa{S::ml_dsa_shake_256};
constexpr std::array kSm2dsa{S::sm2dsa};
constexpr std::array kHmac224{M::hmac_sha_224};
constexpr std::array kHmac256{M::hmac_sha_256};
constexpr std::array kHmac384{M::hmac_sha_384};
constexpr std::array kHmac512{M::hmac_sha_512};
constexpr std::array kEcdh{api::KeyAgreementAlgorithmSpec::ecdh};

constexpr std::array kTable{
    KeySpecRow{.spec = KeySpec::rsa_2048,
               .usages = kEncryptOrSign,
               .encryption = kOaep,
               .signing = kRsaSigning,
               .kind = KeyKind::rsa_2048,
               .modulus_size = 256},
    KeySpecRow{.spec = KeySpec::rsa_3072,
               .usages = kEncryptOrSign,
               .encryption = kOaep,
               .signing = kRsaSigning,
               .kind = KeyKind::rsa_3072,
               .modulus_size = 384},
    KeySpecRow{.spec = KeySpec::rsa_4096,
               .usages = kEncryptOrSign,
               .encryption = kOaep,
               .signing = kRsaSigning,
               .kind = KeyKind::rsa_4096,
               .modulus_size = 512},
    KeySpecRow{.spec = KeySpec::ecc_nist_p256,
               .usages = kSignOrAgree,
               .signing = kEcdsa256,
               .agreement = kEcdh,
               .kind = KeyKind::ec_p256},
    KeySpecRow{.spec = KeySpec::ecc_nist_p384,
               .usages = kSignOrAgree,
               .signing = kEcdsa384,
               .agreement = kEcdh,
               .kind = KeyKind::ec_p384},
    KeySpecRow{.spec = KeySpec::ecc_nist_p521,
               .usages = kSignOrAgree,
               .signing = kEcdsa512,
               .agreement = kEcdh,
               .kind = KeyKind::ec_p521},
    KeySpecRow{.spec = KeySpec::ecc_secg_p256k1,
               .usages = kSign,
               .signing = kEcdsa256,
               .kind = KeyKind::ec_secp256k1},
    KeySpecRow{.spec = KeySpec::ecc_nist_edwards25519,
               .usages = kSign,
               .signing = kEd25519,
               .kind = KeyKind::ed25519},
    KeySpecRow{.spec = KeySpec::symmetric_default,
               .usages = kEncrypt,
               .encryption = kSymmetric,
               .kind = KeyKind::aes_256},
    KeySpecRow{
        .spec = KeySpec::hmac_224, .usages = kMac, .mac = kHmac224, .kind = KeyKind::hmac_224},
    KeySpecRow{
        .spec = KeySpec::hmac_256, .usages = kMac, .mac = kHmac256, .kind = KeyKind::hmac_256},
    KeySpecRow{
        .spec = KeySpec::hmac_384, .usages = kMac, .mac = kHmac384, .kind = KeyKind::hmac_384},
    KeySpecRow{
        .spec = KeySpec::hmac_512, .usages = kMac, .mac = kHmac512, .kind = KeyKind::hmac_512},
    KeySpecRow{.spec = KeySpec::sm2,
               .usages = kEncryptSignOrAgree,
               .encryption = kSm2pke,
               .signing = kSm2dsa,
               .agreement = kEcdh},
    KeySpecRow{
        .spec = KeySpec::ml_dsa_44, .usages = kSign, .signing = kMlDsa, .kind = KeyKind::ml_dsa_44},
    KeySpecRow{
        .spec = KeySpec::ml_dsa_65, .usages = kSign, .signing = kMlDsa, .kind = KeyKind::ml_dsa_65},
    KeySpecRow{
        .spec = KeySpec::ml_dsa_87, .usages = kSign, .signing = kMlDsa, .kind = KeyKind::ml_dsa_87},
};

}  // namespace

std::span<const KeySpecRow> key_specs() { return kTable; }

const KeySpecRow& key_spec(api::KeySpec spec) {
  const auto* row = std::ranges::find(kTable, spec, &KeySpecRow::spec);
  if (row == kTable.end()) {
    throw api::Error(api::ErrorCode::kms_internal,
                     "A key spec is missing from the key spec table.");
  }
  return *row;
}

const KeySpecRow& key_spec(pkcs11::KeyKind kind) {
  const auto* row = std::ranges::find(kTable, kind, &KeySpecRow::kind);
  if (row == kTable.end()) {
    throw api::internal_error("A kind of key is missing from the key spec table.");
  }
  return *row;
}

bool allows(const KeySpecRow& row, api::KeyUsageType usage) {
  return std::ranges::find(row.usages, usage) != row.usages.end();
}

}  // namespace kms::keys
