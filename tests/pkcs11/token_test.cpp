#include "tests/contracts/token_contract.h"
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

INSTANTIATE_TEST_SUITE_P(
    SoftHsm, TokenContract,
    testing::Values(
        TokenMaker{"host_iv", [] { return on_softhsm(pkcs11_proxy::GcmIv::host); }},
        TokenMaker{"iv_in_param", [] { return on_softhsm(pkcs11_proxy::GcmIv::in_param); }},
        TokenMaker{"iv_appended", [] { return on_softhsm(pkcs11_proxy::GcmIv::appended); }},
        TokenMaker{"without_key_wrap", without_kwp}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace pkcs11
