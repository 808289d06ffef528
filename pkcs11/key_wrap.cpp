#include "pkcs11/key_wrap.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "pkcs11/error.h"
#include "pkcs11/gcm.h"

namespace pkcs11::key_wrap {
namespace {

constexpr std::size_t kBlock = 8;
constexpr std::size_t kLeast = 2 * kBlock;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context context(ByteView kek, int encrypts) {
  if (kek.size() != kAes256Bytes) throw Error(Failure::bad_argument, "the key is no AES-256 key");
  Context made(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (made == nullptr) throw Error(Failure::other, "EVP_CIPHER_CTX_new failed");
  EVP_CIPHER_CTX_set_flags(made.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (EVP_CipherInit_ex2(made.get(), EVP_aes_256_wrap_pad(), kek.data(), nullptr, encrypts,
                         nullptr) != 1) {
    throw Error(Failure::other, "OpenSSL offers no AES-256 key wrap with padding");
  }
  return made;
}

}  // namespace

Bytes wrap(ByteView kek, ByteView key) {
  const Context cipher = context(kek, 1);
  Bytes wrapped((key.size() + kBlock - 1) / kBlock * kBlock + kBlock);
  int size = 0;
  if (EVP_CipherUpdate(cipher.get(), wrapped.data(), &size, key.data(),
                       static_cast<int>(key.size())) != 1 ||
      static_cast<std::size_t>(size) != wrapped.size()) {
    throw Error(Failure::other, "OpenSSL failed in AES key wrap");
  }
  return wrapped;
}

std::optional<SecretBytes> unwrap(ByteView kek, ByteView wrapped) {
  if (wrapped.size() < kLeast || wrapped.size() % kBlock != 0) return std::nullopt;
  const Context cipher = context(kek, 0);
  // OpenSSL decrypts whole blocks before it knows how much of the last one is padding.
  SecretBytes key(wrapped.size());
  int size = 0;
  ERR_set_mark();
  const bool opened = EVP_CipherUpdate(cipher.get(), key.data(), &size, wrapped.data(),
                                       static_cast<int>(wrapped.size())) == 1;
  ERR_pop_to_mark();
  if (!opened || size <= 0) return std::nullopt;
  key.resize(static_cast<std::size_t>(size));
  return key;
}

}  // namespace pkcs11::key_wrap
