#include "tests/support/public_keys.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

namespace kms::test {
namespace {

using pkcs11::Bytes;
using pkcs11::ByteView;
using enum pkcs11::SignatureScheme;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

Key parse(ByteView public_key) {
  const unsigned char* next = public_key.data();
  Key key(d2i_PUBKEY(nullptr, &next, static_cast<long>(public_key.size())), EVP_PKEY_free);
  if (key == nullptr || next != public_key.data() + public_key.size()) {
    throw std::runtime_error("not a SubjectPublicKeyInfo");
  }
  return key;
}

void must(int result, const char* what) {
  if (result <= 0) throw std::runtime_error(what);
}

Bytes encoded(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  must(size, "i2d_PUBKEY");
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

const EVP_MD* hash_of(pkcs11::SignatureScheme scheme) {
  switch (scheme) {
    case rsa_pkcs1_sha256:
    case rsa_pss_sha256:
    case ecdsa_sha256:
      return EVP_sha256();
    case rsa_pkcs1_sha384:
    case rsa_pss_sha384:
    case ecdsa_sha384:
      return EVP_sha384();
    case rsa_pkcs1_sha512:
    case rsa_pss_sha512:
    case ecdsa_sha512:
      return EVP_sha512();
    case ed25519:
    case ed25519_ph:
    case ml_dsa:
      break;
  }
  return nullptr;
}

}  // namespace

int key_bits(ByteView public_key) { return EVP_PKEY_get_bits(parse(public_key).get()); }

Bytes public_key_of(ByteView private_key) {
  const unsigned char* next = private_key.data();
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, decltype(&PKCS8_PRIV_KEY_INFO_free)> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &next, static_cast<long>(private_key.size())),
      PKCS8_PRIV_KEY_INFO_free);
  const Key key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()), EVP_PKEY_free);
  if (key == nullptr || next != private_key.data() + private_key.size()) {
    throw std::runtime_error("not a PrivateKeyInfo");
  }
  return encoded(key.get());
}

bool verifies(ByteView public_key, pkcs11::SignatureScheme scheme, ByteView message,
              ByteView signature) {
  const Key key = parse(public_key);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* options = nullptr;
  must(EVP_DigestVerifyInit(context.get(), &options, hash_of(scheme), nullptr, key.get()),
       "EVP_DigestVerifyInit");
  if (scheme == rsa_pss_sha256 || scheme == rsa_pss_sha384 || scheme == rsa_pss_sha512) {
    must(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), "PSS");
    must(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST), "salt");
  }
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

Bytes oaep_encrypt(ByteView public_key, pkcs11::OaepHash hash, ByteView plaintext) {
  const Key key = parse(public_key);
  const KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free);
  const EVP_MD* const md = hash == pkcs11::OaepHash::sha1 ? EVP_sha1() : EVP_sha256();
  must(EVP_PKEY_encrypt_init(context.get()), "EVP_PKEY_encrypt_init");
  must(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING), "OAEP");
  must(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), md), "hash");
  must(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md), "MGF1");
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = out.size();
  must(EVP_PKEY_encrypt(context.get(), out.data(), &size, plaintext.data(), plaintext.size()),
       "EVP_PKEY_encrypt");
  out.resize(size);
  return out;
}

Bytes sha(int bits, ByteView message) {
  const EVP_MD* const md = bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(md)));
  must(EVP_Digest(message.data(), message.size(), out.data(), nullptr, md, nullptr), "EVP_Digest");
  return out;
}

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

Peer::Peer(const char* group) : key_(EVP_EC_gen(group)) {
  if (key_ == nullptr) throw std::runtime_error("EVP_EC_gen");
}

Peer::~Peer() { EVP_PKEY_free(static_cast<EVP_PKEY*>(key_)); }

Bytes Peer::public_key() const { return encoded(static_cast<EVP_PKEY*>(key_)); }

Bytes Peer::agree(ByteView other) const {
  const Key key = parse(other);
  const KeyContext context(EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(key_), nullptr),
                           EVP_PKEY_CTX_free);
  must(EVP_PKEY_derive_init(context.get()), "EVP_PKEY_derive_init");
  must(EVP_PKEY_derive_set_peer(context.get(), key.get()), "EVP_PKEY_derive_set_peer");
  std::size_t size = 0;
  must(EVP_PKEY_derive(context.get(), nullptr, &size), "EVP_PKEY_derive");
  Bytes out(size);
  must(EVP_PKEY_derive(context.get(), out.data(), &size), "EVP_PKEY_derive");
  return out;
}

}  // namespace kms::test
