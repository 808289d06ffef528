#include "pkcs11/oaep.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <utility>

namespace pkcs11::oaep {
namespace {

const EVP_MD* digest(OaepHash hash) { return hash == OaepHash::sha1 ? EVP_sha1() : EVP_sha256(); }

CK_RSA_PKCS_OAEP_PARAMS parameters(OaepHash hash) {
  return hash == OaepHash::sha1
             ? CK_RSA_PKCS_OAEP_PARAMS{CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, nullptr, 0}
             : CK_RSA_PKCS_OAEP_PARAMS{CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, nullptr, 0};
}

// OpenSSL 3.0 deprecates these in favour of whole RSA operations, which the token does here.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
constexpr auto* kAddPadding = &RSA_padding_add_PKCS1_OAEP_mgf1;
constexpr auto* kCheckPadding = &RSA_padding_check_PKCS1_OAEP_mgf1;
#pragma GCC diagnostic pop

}  // namespace

std::size_t hash_bytes(OaepHash hash) noexcept { return hash == OaepHash::sha1 ? 20 : 32; }

std::size_t most(OaepHash hash, std::size_t modulus_bytes) noexcept {
  return modulus_bytes - 2 * hash_bytes(hash) - 2;
}

SecretBytes pad(OaepHash hash, ByteView plaintext, std::size_t modulus_bytes) {
  SecretBytes padded(modulus_bytes);
  static const std::uint8_t nothing = 0;
  if (kAddPadding(padded.data(), static_cast<int>(padded.size()),
                  plaintext.empty() ? &nothing : plaintext.data(),
                  static_cast<int>(plaintext.size()), nullptr, 0, digest(hash),
                  digest(hash)) != 1) {
    throw Error(Failure::other, "RSA_padding_add_PKCS1_OAEP_mgf1 failed");
  }
  return padded;
}

std::optional<SecretBytes> unpad(OaepHash hash, ByteView padded) {
  SecretBytes plaintext(padded.size());
  const int size = static_cast<int>(padded.size());
  ERR_set_mark();
  const int found = kCheckPadding(plaintext.data(), size, padded.data(), size, size, nullptr, 0,
                                  digest(hash), digest(hash));
  ERR_pop_to_mark();
  if (found < 0) return std::nullopt;
  plaintext.resize(static_cast<std::size_t>(found));
  return plaintext;
}

Bytes seal(OaepHash hash, OaepMethod method, Session& session, CK_OBJECT_HANDLE key,
           ByteView plaintext, std::size_t modulus_bytes) {
  if (method == OaepMethod::native) {
    CK_RSA_PKCS_OAEP_PARAMS params = parameters(hash);
    return session.encrypt(Mechanism(CKM_RSA_PKCS_OAEP, params), key, plaintext, modulus_bytes);
  }
  const SecretBytes padded = pad(hash, plaintext, modulus_bytes);
  return session.encrypt(CKM_RSA_X_509, key, padded.view(), modulus_bytes);
}

Decrypted open(OaepHash hash, OaepMethod method, Session& session, CK_OBJECT_HANDLE key,
               ByteView ciphertext) {
  const std::size_t modulus_bytes = ciphertext.size();
  if (method == OaepMethod::native) {
    CK_RSA_PKCS_OAEP_PARAMS params = parameters(hash);
    return session.decrypt(Mechanism(CKM_RSA_PKCS_OAEP, params), key, ciphertext, modulus_bytes);
  }
  Decrypted opened = session.decrypt(CKM_RSA_X_509, key, ciphertext, modulus_bytes);
  if (opened.rv == CKR_OK && opened.plaintext.size() != modulus_bytes) {
    throw Error(Failure::device_error, "raw RSA answered a plaintext of the wrong length",
                CKR_GENERAL_ERROR);
  }
  return opened;
}

Bytes wrap(OaepHash hash, Session& session, CK_OBJECT_HANDLE public_key, CK_OBJECT_HANDLE key) {
  CK_RSA_PKCS_OAEP_PARAMS params = parameters(hash);
  return session.wrap(Mechanism(CKM_RSA_PKCS_OAEP, params), public_key, key);
}

CK_OBJECT_HANDLE unwrap(OaepHash hash, Session& session, CK_OBJECT_HANDLE private_key,
                        ByteView wrapped, Attributes&& wanted) {
  CK_RSA_PKCS_OAEP_PARAMS params = parameters(hash);
  return session.unwrap(Mechanism(CKM_RSA_PKCS_OAEP, params), private_key, wrapped,
                        std::move(wanted));
}

}  // namespace pkcs11::oaep
