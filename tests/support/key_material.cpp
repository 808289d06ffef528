#include "tests/support/key_material.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/public_keys.h"

namespace kms::test {
namespace {

using pkcs11::Bytes;
using pkcs11::ByteView;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

Bytes spki(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  must(size > 0, "i2d_PUBKEY");
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

OutsideKey encoded(EVP_PKEY* made) {
  const Key key(made, EVP_PKEY_free);
  must(key != nullptr, "EVP_PKEY_Q_keygen");
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key.get());
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  must(size > 0, "i2d_PKCS8_PRIV_KEY_INFO");
  OutsideKey out{.private_key = Bytes(der, der + size), .public_key = spki(key.get())};
  OPENSSL_free(der);
  PKCS8_PRIV_KEY_INFO_free(info);
  return out;
}

Bytes aes_wrap(ByteView kek, ByteView key) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                               EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(key.size() + 16);
  int size = 0;
  must(
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_wrap_pad(), nullptr, kek.data(), nullptr) == 1 &&
          EVP_EncryptUpdate(cipher.get(), out.data(), &size, key.data(),
                            static_cast<int>(key.size())) == 1,
      "EVP_EncryptUpdate");
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

OutsideKey make_rsa(unsigned bits) {
  return encoded(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits}));
}

Bytes idle_rsa(ByteView private_key) {
  using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
  const unsigned char* next = private_key.data();
  const Key key(d2i_AutoPrivateKey(nullptr, &next, static_cast<long>(private_key.size())),
                EVP_PKEY_free);
  must(key != nullptr, "d2i_AutoPrivateKey");
  const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> build(OSSL_PARAM_BLD_new(),
                                                                              OSSL_PARAM_BLD_free);
  std::vector<Number> numbers;
  for (const char* const name : {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_FACTOR1,
                                 OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
    BIGNUM* number = nullptr;
    must(EVP_PKEY_get_bn_param(key.get(), name, &number) == 1, name);
    numbers.emplace_back(number, BN_free);
    must(OSSL_PARAM_BLD_push_BN(build.get(), name, number) == 1, name);
  }
  for (const char* const name : {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
                                 OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2}) {
    must(OSSL_PARAM_BLD_push_BN(build.get(), name, BN_value_one()) == 1, name);
  }
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(build.get()), OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* idle = nullptr;
  must(EVP_PKEY_fromdata_init(context.get()) == 1 &&
           EVP_PKEY_fromdata(context.get(), &idle, EVP_PKEY_KEYPAIR, parameters.get()) == 1,
       "EVP_PKEY_fromdata");
  return encoded(idle).private_key;
}

OutsideKey make_ec(std::string_view curve) {
  return encoded(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", std::string(curve).c_str()));
}

OutsideKey make_ed25519() { return encoded(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

Bytes wrap_for_import(ByteView wrapping_key, pkcs11::ImportScheme scheme, ByteView material) {
  using enum pkcs11::ImportScheme;
  const auto hash = scheme == oaep_sha256 || scheme == rsa_aes_sha256 ? pkcs11::OaepHash::sha256
                                                                      : pkcs11::OaepHash::sha1;
  if (scheme == oaep_sha1 || scheme == oaep_sha256) {
    return oaep_encrypt(wrapping_key, hash, material);
  }
  Bytes kek(32);
  must(RAND_bytes(kek.data(), static_cast<int>(kek.size())) == 1, "RAND_bytes");
  Bytes out = oaep_encrypt(wrapping_key, hash, kek);
  const Bytes wrapped = aes_wrap(kek, material);
  out.insert(out.end(), wrapped.begin(), wrapped.end());
  return out;
}

Bytes hmac(int bits, ByteView key, ByteView message) {
  const EVP_MD* hash = bits == 224   ? EVP_sha224()
                       : bits == 256 ? EVP_sha256()
                       : bits == 384 ? EVP_sha384()
                                     : EVP_sha512();
  Bytes out(static_cast<std::size_t>(bits) / 8);
  must(HMAC(hash, key.data(), static_cast<int>(key.size()), message.data(), message.size(),
            out.data(), nullptr) != nullptr,
       "HMAC");
  return out;
}

}  // namespace kms::test
