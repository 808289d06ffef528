#include "connector/keystores/token_watch.h"

#include <chrono>
#include <exception>
#include <utility>

#include "connector/base/log.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using Clock = std::chrono::steady_clock;
// How long an examination waits for a session or a recovery, and how long it is waited for.
constexpr std::chrono::milliseconds kExamination{500};
constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::seconds kRecovery{5};

}  // namespace

TokenWatch::TokenWatch(pkcs11::Token& token) : token_(token), thread_([this] { run(); }) {}

TokenWatch::~TokenWatch() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TokenWatch::examine(TokenStatus& status) {
  const Clock::time_point until = Clock::now() + kPatience;
  status.epoch = token_.epoch();
  MutexLock lock(mutex_);
  // What the token ails from is known until the recovery has ended.
  if (doing_ != Doing::recovering) {
    asked_ = asked_ || doing_ == Doing::nothing;  // else the one under way is shared
    changed_.notify_all();
    const std::uint64_t seen = examinations_;
    while (examinations_ == seen && !overdue_) {
      if (lock.wait_until(changed_, until) == std::cv_status::timeout && examinations_ == seen) {
        overdue_ = true;
      }
    }
  }
  status.detail = overdue_ ? "does not answer" : fault_;
  status.ready = status.detail.empty();
}

void TokenWatch::run() {
  while (wait_until_asked()) {
    if (!tell(fault())) recover();
  }
}

bool TokenWatch::wait_until_asked() {
  MutexLock lock(mutex_);
  doing_ = Doing::nothing;
  while (!stopping_ && !asked_) lock.wait(changed_);
  asked_ = false;
  doing_ = Doing::examining;
  return !stopping_;
}

bool TokenWatch::tell(std::string fault) {
  const MutexLock lock(mutex_);
  fault_ = std::move(fault);
  overdue_ = false;
  ++examinations_;
  doing_ = fault_.empty() ? Doing::nothing : Doing::recovering;
  changed_.notify_all();
  return fault_.empty();
}

std::string TokenWatch::fault() const {
  try {
    token_.check_health(Clock::now() + kExamination);
    return {};
  } catch (const pkcs11::Error& error) {
    return pkcs11::name(error.failure());
  } catch (const std::exception& error) {
    log(LogLevel::error, "keystores", error.what());
    return "internal error";
  }
}

void TokenWatch::recover() const {
  // A search that finds nothing makes sure of login and token, as the next request would. Random
  // bytes come without a login.
  try {
    (void)token_.has_object(pkcs11::ObjectId{}, Clock::now() + kRecovery);
  } catch (const std::exception& error) {
    log(LogLevel::warning, "keystores", std::string("not recovered: ") + error.what());
  }
}

}  // namespace kms::keystores
