#include "pkcs11/refused_pins.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace pkcs11 {
namespace {

SecretBytes random_key() {
  SecretBytes key(32);
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    throw Error(Failure::other, "RAND_bytes fails");
  }
  return key;
}

}  // namespace

RefusedPins::RefusedPins() : key_(random_key()) {}
RefusedPins::~RefusedPins() = default;

RefusedPins::Hash RefusedPins::hash(const std::string& serial, ByteView pin) const {
  // The separator cannot occur in a serial number, which is printable.
  SecretBytes text = SecretBytes::copy_of(std::string_view(serial));
  text.push_back(0);
  text.append(pin);
  Hash hash{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), text.data(), text.size(),
           hash.data(), &size) == nullptr) {
    throw Error(Failure::other, "HMAC fails");
  }
  return hash;
}

std::optional<Failure> RefusedPins::refused(const std::string& serial, ByteView pin) const {
  const Hash wanted = hash(serial, pin);
  const MutexLock lock(mutex_);
  const auto found = refused_.find(wanted);
  if (found == refused_.end()) return std::nullopt;
  return found->second;
}

void RefusedPins::record(const std::string& serial, ByteView pin, Failure failure) {
  const Hash refused = hash(serial, pin);
  const MutexLock lock(mutex_);
  refused_.insert_or_assign(refused, failure);
}

void RefusedPins::forget(Failure failure) {
  const MutexLock lock(mutex_);
  std::erase_if(refused_, [failure](const auto& refused) { return refused.second == failure; });
}

}  // namespace pkcs11
