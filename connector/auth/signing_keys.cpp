#include "connector/auth/signing_keys.h"

#include <openssl/crypto.h>

#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

/// An intermediate key of the derivation: as secret as the last.
class Intermediate {
 public:
  explicit Intermediate(Sha256 value) noexcept : value_(value) {}
  Intermediate(const Intermediate&) = delete;
  Intermediate& operator=(const Intermediate&) = delete;
  ~Intermediate() { OPENSSL_cleanse(value_.data(), value_.size()); }

  void advance(std::string_view message) { value_ = hmac_sha256(value_, as_bytes(message)); }
  [[nodiscard]] ByteView view() const noexcept { return value_; }

 private:
  Sha256 value_;
};

}  // namespace

SecretBytes derive_signing_key(const SecretBytes& secret, std::string_view date,
                               std::string_view region, std::string_view service) {
  SecretBytes start;
  start.reserve(4 + secret.size());
  start.append(std::string_view("AWS4"));
  start.append(secret.view());
  Intermediate key(hmac_sha256(start.view(), as_bytes(date)));
  key.advance(region);
  key.advance(service);
  key.advance("aws4_request");
  return SecretBytes::copy_of(key.view());
}

SigningKeys::SigningKeys(std::size_t access_keys, std::size_t regions)
    : regions_(regions), slots_(access_keys * regions) {}

SigningKeys::Key SigningKeys::get(std::size_t access_key, std::size_t region,
                                  std::chrono::sys_days day, const SecretBytes& secret,
                                  std::string_view date, std::string_view region_name) {
  Slot& slot = slots_.at(access_key * regions_ + region);
  const std::size_t parity = static_cast<std::size_t>(day.time_since_epoch().count()) % 2;
  {
    const MutexLock lock(slot.mutex);
    const Dated& dated = slot.keys[parity];
    if (dated.key && dated.day == day) return dated.key;
  }
  // Several threads may derive the same key once a day; none waits for another meanwhile.
  auto derived =
      std::make_shared<const SecretBytes>(derive_signing_key(secret, date, region_name, kService));
  const MutexLock lock(slot.mutex);
  slot.keys[parity] = {.day = day, .key = derived};
  return derived;
}

}  // namespace kms::auth
