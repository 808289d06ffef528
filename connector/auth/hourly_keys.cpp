#include "connector/auth/hourly_keys.h"

#include <exception>
#include <string>
#include <utility>

#include "connector/api/error.h"
#include "connector/base/log.h"

namespace kms::auth {
namespace {

// A token issued just before the clock was set back a little is still of this hour.
constexpr std::chrono::minutes kClockStep{5};

HourlyKeys::Hour hour_of(Timestamp time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}

Bytes message_of(HourlyKeys::Hour hour) {
  constexpr std::string_view kLabel = "kms-connector session key\n";
  Bytes message(kLabel.begin(), kLabel.end());
  for (int shift = 56; shift >= 0; shift -= 8) {
    message.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(hour) >> shift));
  }
  return message;
}

}  // namespace

HourlyKeys::HourlyKeys(Derive derive, const Clock& clock, std::chrono::milliseconds pause)
    : derive_(std::move(derive)), clock_(clock), pause_(pause) {}

HourlyKeys::Hour HourlyKeys::now() const { return hour_of(clock_.now()); }

bool HourlyKeys::possible(Hour hour) const {
  const Timestamp time = clock_.now();
  return hour >= hour_of(time - kLongestSession) && hour <= hour_of(time + kClockStep);
}

HourlyKeys::Key HourlyKeys::derive(Hour hour) const {
  try {
    return std::make_shared<const SecretBytes>(derive_(message_of(hour)));
  } catch (const std::exception& error) {
    log(LogLevel::warning, "auth",
        std::string("the key of session tokens is not available: ") + error.what());
    return nullptr;
  }
}

HourlyKeys::Key HourlyKeys::get(Hour hour) {
  if (!possible(hour)) return nullptr;
  {
    MutexLock lock(mutex_);
    for (;;) {
      if (const auto known = keys_.find(hour); known != keys_.end()) return known->second;
      if (!deriving_) break;
      lock.wait(changed_);
    }
    if (failed_ && std::chrono::steady_clock::now() - *failed_ < pause_) {
      throw api::internal_error();
    }
    deriving_ = true;
  }
  Key key = derive(hour);
  {
    const MutexLock lock(mutex_);
    deriving_ = false;
    if (key == nullptr) {
      failed_ = std::chrono::steady_clock::now();
    } else {
      failed_.reset();
      std::erase_if(keys_, [this](const auto& kept) { return !possible(kept.first); });
      keys_.insert_or_assign(hour, key);
    }
  }
  changed_.notify_all();
  if (key == nullptr) throw api::internal_error();
  return key;
}

}  // namespace kms::auth
