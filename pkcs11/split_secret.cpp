#include "pkcs11/split_secret.h"

#include <openssl/rand.h>

#include <cstdint>
#include <utility>

#include "pkcs11/error.h"

namespace pkcs11 {
namespace {

void mix(SecretBytes& into, ByteView from) noexcept {
  for (std::size_t i = 0; i < from.size(); ++i) {
    into.data()[i] = static_cast<std::uint8_t>(into.data()[i] ^ from[i]);
  }
}

}  // namespace

SplitSecret::SplitSecret(SecretBytes secret) : mask_(secret.size()), masked_(std::move(secret)) {
  if (masked_.empty()) return;
  if (RAND_bytes(mask_.data(), static_cast<int>(mask_.size())) != 1) {
    throw Error(Failure::other, "RAND_bytes fails");
  }
  mix(masked_, mask_.view());
}

SecretBytes SplitSecret::join() const {
  SecretBytes secret = masked_.clone();
  mix(secret, mask_.view());
  return secret;
}

}  // namespace pkcs11
