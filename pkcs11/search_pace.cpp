#include "pkcs11/search_pace.h"

#include <algorithm>

namespace pkcs11 {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortest{1500};
constexpr milliseconds kLongest = std::chrono::minutes(10);
constexpr milliseconds kLongestIfAsked = std::chrono::seconds(5);

}  // namespace

std::optional<Deadline> SearchPace::take_turn(Deadline now, bool disturbs, bool asked) {
  if (last_) {
    // Nothing has been missing for long: what is missing now is something else.
    if (now - *last_ >= 2 * kLongest) wait_ = {};
    const milliseconds most = !disturbs ? kShortest : asked ? kLongestIfAsked : kLongest;
    const Deadline next = *last_ + std::min(wait_, most);
    if (now < next) return next;
  }
  last_ = now;
  wait_before_ = std::max(wait_, kShortest);
  wait_ = disturbs ? std::clamp(wait_ * 2, kShortest, kLongest) : kShortest;
  return std::nullopt;
}

void SearchPace::not_done() noexcept { wait_ = std::min(wait_, wait_before_); }

}  // namespace pkcs11
