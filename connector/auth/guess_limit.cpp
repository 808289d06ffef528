#include "connector/auth/guess_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "connector/api/error.h"
#include "connector/base/encodings.h"
#include "connector/base/log.h"
#include "connector/base/random.h"

namespace kms::auth {
namespace {

constexpr std::chrono::minutes kWindow{1};
// An entry may lie in any of this many places, so that two that hash to the same bucket do not
// push each other out.
constexpr std::size_t kWays = 8;

/// The address without what one subscriber chooses freely: the lower half of an IPv6 address.
std::string network_of(std::string_view address) {
  in6_addr v6{};
  const std::string text(address);
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6)) return text;
  return to_hex({v6.s6_addr, 8});
}

}  // namespace

GuessLimit::Surroundings GuessLimit::Surroundings::real() {
  return {.now = [] { return std::chrono::steady_clock::now(); },
          .sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
}

GuessLimit::GuessLimit(std::size_t per_minute, Surroundings surroundings)
    : per_minute_(per_minute), surroundings_(std::move(surroundings)), entries_(kEntries) {
  SystemRandom().fill(hash_key_);
}

std::size_t GuessLimit::count(std::uint64_t who, Time now) {
  const std::size_t bucket = static_cast<std::size_t>(who % (kEntries / kWays)) * kWays;
  const MutexLock lock(mutex_);
  const std::span<Entry> ways(&entries_[bucket], kWays);
  auto entry = std::ranges::find_if(
      ways, [&](const Entry& known) { return known.count != 0 && known.who == who; });
  const auto is_over = [&](const Entry& known) {
    return known.count == 0 || now - known.since >= kWindow;
  };
  if (entry == ways.end()) {
    entry = std::ranges::find_if(ways, is_over);
    // A full bucket gives up the one that failed least.
    if (entry == ways.end()) entry = std::ranges::min_element(ways, {}, &Entry::count);
    *entry = {.who = who, .since = now, .count = 0};
  } else if (is_over(*entry)) {
    *entry = {.who = who, .since = now, .count = 0};
  }
  return ++entry->count;
}

std::size_t GuessLimit::failed(std::string_view access_key_id, std::string_view address) {
  if (per_minute_ == 0) return 0;
  const Sha256 hash = hmac_sha256(
      hash_key_, as_bytes(std::string(access_key_id).append(" ").append(network_of(address))));
  std::uint64_t who = 0;
  std::memcpy(&who, hash.data(), sizeof who);
  const std::size_t failures = count(who, surroundings_.now());
  if (failures <= per_minute_) return failures;
  if (failures == per_minute_ + 1) {
    log(LogLevel::warning, "auth",
        "more than " + std::to_string(per_minute_) + " failed signatures within a minute of " +
            (access_key_id.empty() ? std::string("unknown access keys")
                                   : "access key " + std::string(access_key_id)) +
            " from " + std::string(address) + ": further ones are slowed");
  }
  {
    const MutexLock lock(mutex_);
    if (sleepers_ == kMostSleepers) {
      throw api::Error(api::ErrorCode::throttling, "Rate exceeded");
    }
    ++sleepers_;
  }
  surroundings_.sleep(kDelay);
  const MutexLock lock(mutex_);
  --sleepers_;
  return failures;
}

}  // namespace kms::auth
