#include "pkcs11/signature_scheme.h"

#include <array>

namespace pkcs11 {
namespace {

using enum SignatureScheme;

constexpr std::array<std::uint8_t, 19> kSha256Info{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                   0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                   0x01, 0x05, 0x00, 0x04, 0x20};
constexpr std::array<std::uint8_t, 19> kSha384Info{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                   0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                   0x02, 0x05, 0x00, 0x04, 0x30};
constexpr std::array<std::uint8_t, 19> kSha512Info{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                   0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                   0x03, 0x05, 0x00, 0x04, 0x40};

constexpr SchemeInfo pkcs1(SignatureScheme scheme, CK_MECHANISM_TYPE combined,
                           CK_MECHANISM_TYPE digest, std::size_t bytes, ByteView digest_info) {
  return {scheme, KeyFamily::rsa, CKM_RSA_PKCS, combined, digest, 0, bytes, digest_info};
}
constexpr SchemeInfo pss(SignatureScheme scheme, CK_MECHANISM_TYPE combined,
                         CK_MECHANISM_TYPE digest, std::size_t bytes, CK_RSA_PKCS_MGF_TYPE mgf) {
  return {scheme, KeyFamily::rsa, CKM_RSA_PKCS_PSS, combined, digest, mgf, bytes, {}};
}
constexpr SchemeInfo ecdsa(SignatureScheme scheme, CK_MECHANISM_TYPE combined,
                           CK_MECHANISM_TYPE digest, std::size_t bytes) {
  return {scheme, KeyFamily::ec, CKM_ECDSA, combined, digest, 0, bytes, {}};
}

/// In the order of SignatureScheme.
constexpr std::array<SchemeInfo, kSignatureSchemes> kSchemes{
    pkcs1(rsa_pkcs1_sha256, CKM_SHA256_RSA_PKCS, CKM_SHA256, 32, kSha256Info),
    pkcs1(rsa_pkcs1_sha384, CKM_SHA384_RSA_PKCS, CKM_SHA384, 48, kSha384Info),
    pkcs1(rsa_pkcs1_sha512, CKM_SHA512_RSA_PKCS, CKM_SHA512, 64, kSha512Info),
    pss(rsa_pss_sha256, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, 32, CKG_MGF1_SHA256),
    pss(rsa_pss_sha384, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, 48, CKG_MGF1_SHA384),
    pss(rsa_pss_sha512, CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, 64, CKG_MGF1_SHA512),
    ecdsa(ecdsa_sha256, CKM_ECDSA_SHA256, CKM_SHA256, 32),
    ecdsa(ecdsa_sha384, CKM_ECDSA_SHA384, CKM_SHA384, 48),
    ecdsa(ecdsa_sha512, CKM_ECDSA_SHA512, CKM_SHA512, 64),
    SchemeInfo{ed25519, KeyFamily::edwards, CKM_EDDSA, 0, 0, 0, 0, {}},
    SchemeInfo{ed25519_ph, KeyFamily::edwards, CKM_EDDSA, 0, 0, 0, 0, {}, true},
    SchemeInfo{ml_dsa, KeyFamily::ml_dsa, CKM_ML_DSA, 0, 0, 0, 0, {}},
};
constexpr bool in_order() {
  for (std::size_t i = 0; i < kSchemes.size(); ++i) {
    if (kSchemes[i].scheme != static_cast<SignatureScheme>(i)) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

const SchemeInfo& info(SignatureScheme scheme) noexcept {
  return kSchemes[static_cast<std::size_t>(scheme)];
}

bool fits(KeyKind kind, SignatureScheme scheme) noexcept {
  switch (kind) {
    case KeyKind::ec_p256:
    case KeyKind::ec_secp256k1:
      return scheme == ecdsa_sha256;
    case KeyKind::ec_p384:
      return scheme == ecdsa_sha384;
    case KeyKind::ec_p521:
      return scheme == ecdsa_sha512;
    default:
      return info(kind).family == info(scheme).family;
  }
}

const SchemeInfo& proving_scheme(KeyKind kind) noexcept {
  switch (info(kind).family) {
    case KeyFamily::ec:
      return info(ecdsa_sha256);
    case KeyFamily::edwards:
      return info(ed25519);
    case KeyFamily::ml_dsa:
      return info(ml_dsa);
    case KeyFamily::rsa:
    case KeyFamily::aes:
    case KeyFamily::hmac:
      break;
  }
  return info(rsa_pkcs1_sha256);
}

KeyKind cheapest_kind(SignatureScheme scheme) noexcept {
  switch (scheme) {
    case rsa_pkcs1_sha256:
    case rsa_pkcs1_sha384:
    case rsa_pkcs1_sha512:
    case rsa_pss_sha256:
    case rsa_pss_sha384:
    case rsa_pss_sha512:
      return KeyKind::rsa_2048;
    case ecdsa_sha256:
      return KeyKind::ec_p256;
    case ecdsa_sha384:
      return KeyKind::ec_p384;
    case ecdsa_sha512:
      return KeyKind::ec_p521;
    case ed25519:
    case ed25519_ph:
      return KeyKind::ed25519;
    case ml_dsa:
      return KeyKind::ml_dsa_44;
  }
  return KeyKind::rsa_2048;
}

SigningMechanism::SigningMechanism(const SchemeInfo& row, bool combined)
    : mechanism_(combined ? row.combined : row.raw) {
  if (row.mgf != 0) {
    pss_ = {row.digest, row.mgf, row.digest_bytes};
    mechanism_ = Mechanism(mechanism_.type, pss_);
  }
  if (row.prehashed) mechanism_ = Mechanism(mechanism_.type, eddsa_);
}

}  // namespace pkcs11
