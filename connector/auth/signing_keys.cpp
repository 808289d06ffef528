#include "connector/auth/signing_keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <iterator>

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

SigningKeys::Dated& SigningKeys::dated(std::chrono::sys_days day, std::string_view region,
                                       std::string_view service) {
  auto slot = std::ranges::find_if(slots_, [&](const Slot& known) {
    return known.region == region && known.service == service;
  });
  if (slot == slots_.end()) {
    slots_.push_back({.region = std::string(region), .service = std::string(service), .days = {}});
    slot = std::prev(slots_.end());
  }
  return slot->days[static_cast<std::size_t>(day.time_since_epoch().count()) % 2];
}

SigningKeys::Key SigningKeys::get(const SecretBytes& secret, std::chrono::sys_days day,
                                  std::string_view date, std::string_view region,
                                  std::string_view service) {
  {
    const MutexLock lock(mutex_);
    const Dated& kept = dated(day, region, service);
    if (kept.key && kept.day == day) return kept.key;
  }
  // Several threads may derive the same key once a day; none waits for another meanwhile.
  auto derived =
      std::make_shared<const SecretBytes>(derive_signing_key(secret, date, region, service));
  const MutexLock lock(mutex_);
  dated(day, region, service) = {.day = day, .key = derived};
  return derived;
}

}  // namespace kms::auth
