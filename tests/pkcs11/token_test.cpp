#include "tests/contracts/token_contract.h"
#include "tests/contracts/token_keys_contract.h"
#include "tests/pkcs11/nss_token.h"
#include "tests/pkcs11/softhsm_token.h"

namespace pkcs11 {
namespace {

OpenToken on_softhsm(pkcs11_proxy::GcmIv iv) {
  auto softhsm = std::make_shared<SoftHsmToken>();
  softhsm->proxy.arm_tripwire(true);
  softhsm->proxy.gcm_iv(iv);
  auto token = softhsm->open();
  return {softhsm, std::move(token)};
}

OpenToken without_kwp() {
  auto softhsm = std::make_shared<SoftHsmToken>();
  softhsm->proxy.hide_mechanism(0x210A);
  auto token = softhsm->open();
  return {softhsm, std::move(token)};
}

/// SoftHSM 2.6.1 wraps everything but Ed25519 keys, and has no ML-DSA.
Holding wrapping(KeyKind kind) {
  switch (kind) {
    case KeyKind::ed25519:
      return Holding::object;
    case KeyKind::ml_dsa_44:
    case KeyKind::ml_dsa_65:
    case KeyKind::ml_dsa_87:
      return Holding::none;
    default:
      return Holding::wrapped;
  }
}

Holding not_wrapping(KeyKind kind) {
  return wrapping(kind) == Holding::none ? Holding::none : Holding::object;
}

OpenToken on_nss() {
  auto nss = std::make_shared<NssToken>();
  auto token = nss->open();
  return {nss, std::move(token)};
}

/// NSS softoken 3.87 unwraps no EC private keys, and has neither secp256k1 nor Ed25519.
Holding of_nss(KeyKind kind) {
  switch (kind) {
    case KeyKind::ec_p256:
    case KeyKind::ec_p384:
    case KeyKind::ec_p521:
      return Holding::object;
    case KeyKind::ec_secp256k1:
    case KeyKind::ed25519:
      return Holding::none;
    default:
      return wrapping(kind);
  }
}

INSTANTIATE_TEST_SUITE_P(Nss, TokenContract,
                         testing::Values(TokenMaker{"softoken", on_nss, of_nss}),
                         [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    SoftHsm, TokenContract,
    testing::Values(TokenMaker{"host_iv", [] { return on_softhsm(pkcs11_proxy::GcmIv::host); },
                               wrapping},
                    TokenMaker{"iv_in_param",
                               [] { return on_softhsm(pkcs11_proxy::GcmIv::in_param); }, wrapping},
                    TokenMaker{"iv_appended",
                               [] { return on_softhsm(pkcs11_proxy::GcmIv::appended); }, wrapping},
                    TokenMaker{"without_key_wrap", without_kwp, not_wrapping}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace pkcs11
