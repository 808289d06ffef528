#include "pkcs11/connection.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pkcs11/login.h"

namespace pkcs11 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// Bounds for a device that goes on failing; an unlucky call meets several losses of other callers,
// and the back-off and the deadline bound it as well.
constexpr unsigned kSessionRetries = 8;
constexpr unsigned kHandleRetries = 6;
constexpr unsigned kSuspiciousRetries = 3;
constexpr unsigned kTokenRetries = 16;
/// A login younger than this is not blamed for a device error.
constexpr seconds kFreshLogin{1};
/// SoftHSM sees a token that was removed and made again only after C_Initialize. Most modules see
/// it by themselves, and the others' tokens are disturbed, hence not at once.
constexpr milliseconds kSearchAfter{1500};
constexpr seconds kResumeWithin{2};

/// Failures that no waiting mends.
bool hopeless(Failure failure) {
  switch (failure) {
    case Failure::token_ambiguous:
    case Failure::pin_incorrect:
    case Failure::pin_locked:
    case Failure::pin_not_initialized:
    case Failure::user_logged_in_elsewhere:
    case Failure::unsupported:
    case Failure::bad_argument:
      return true;
    case Failure::module_not_loadable:
    case Failure::token_not_found:
    case Failure::token_absent:
    case Failure::device_error:
    case Failure::sessions_exhausted:
    case Failure::deadline_exceeded:
    case Failure::key_not_found:
    case Failure::material_rejected:
    case Failure::other:
      return false;
  }
  return false;
}

bool needs_initialize(const Error& error) {
  return describe(error.rv()).severity == Severity::module ||
         error.failure() == Failure::module_not_loadable;
}

}  // namespace

bool BackOff::wait(Deadline deadline) {
  const Deadline until = Clock::now() + next_;
  if (until > deadline) return false;
  std::this_thread::sleep_until(until);
  next_ = std::min(next_ * 2, milliseconds(800));
  return Clock::now() < deadline;
}

Connection::Connection(std::shared_ptr<LoadedModule> module, TokenOptions options,
                       Listener& listener)
    : module_(std::move(module)),
      options_(std::move(options)),
      listener_(listener),
      pool_(module_->functions(), options_.max_sessions) {}

Connection::~Connection() {
  if (!serial_) return;
  // close() had to go without the gate: what was left to do then is done when nobody has it.
  pool_.close_idle();
  anchor_.reset();
  module_->release(*serial_);
}

void Connection::log(const std::string& text) const {
  if (options_.log) options_.log(text);
}

void Connection::check_time(Deadline deadline) {
  if (Clock::now() >= deadline) {
    throw Error(Failure::deadline_exceeded, "no time left for the token");
  }
}

void Connection::require_login() {
  if (connected_) return;
  throw Error(Failure::token_absent, "the login to the token is lost", CKR_USER_NOT_LOGGED_IN);
}

Session& Connection::usable_anchor() {
  if (anchor_ == nullptr || anchor_lost_) {
    anchor_lost_ = true;
    throw Error(Failure::device_error, "the anchor session is lost", CKR_SESSION_HANDLE_INVALID);
  }
  return *anchor_;
}

void Connection::open(Deadline deadline) {
  BackOff back_off;
  bool started_again = false;
  for (;;) {
    const std::uint64_t generation = module_->generation();
    try {
      check_time(deadline);
      const GateClosed closed(gate_, deadline);
      connect(deadline);
      return;
    } catch (const Error& error) {
      if (hopeless(error.failure())) throw;
      if (error.failure() != Failure::token_not_found && !needs_initialize(error)) {
        if (!back_off.wait(deadline)) throw;
        continue;
      }
      if (started_again) throw;
      started_again = start_module_again(error, generation, options_.asked_for, deadline);
      if (!started_again) throw;
    }
  }
}

void Connection::close() noexcept {
  {
    // Before the gate: whoever holds that for so long that we go without it must know as well. What
    // the listener is doing for it meanwhile has to end, however long that takes.
    const MutexLock lock(listening_);
    closed_ = true;
  }
  try {
    const GateClosed closed(gate_, Clock::now() + options_.close_within);
    if (connected_) {
      const TimedLock lock(anchor_mutex_, Clock::now() + options_.close_within,
                           "the anchor session");
      listener_.logged_out();
      pool_.close_idle();
      anchor_->logout();
    }
    disconnect();
    if (serial_) module_->release(*serial_);
    serial_.reset();
  } catch (const Error& error) {
    // Closing a session that is in use crashes SoftHSM, and so does C_Finalize. Without a login
    // only a start of the module can have the gate, and that ends before the next one.
    if (connected_) module_->keep_forever();
    log(std::string("token not closed: ") + error.what());
  }
}

void Connection::note_failure(const Error& error, SessionPool::Lease& lease) {
  if (error.rv() == CKR_OK) return;
  if (describe(error.rv()).severity == Severity::caller) return;
  lease.poison();
  // A session that the token forgot is rarely the only one.
  if (error.rv() == CKR_SESSION_HANDLE_INVALID || error.rv() == CKR_SESSION_CLOSED) {
    pool_.close_idle();
  }
}

bool Connection::try_again(const Error& error, Retries& retries, std::uint64_t seen,
                           Deadline deadline) {
  if (error.rv() == CKR_OK || Clock::now() >= deadline) return false;
  switch (describe(error.rv()).severity) {
    case Severity::caller:
      return false;
    case Severity::session:
      if (!anchor_lost_ && ++retries.session <= kSessionRetries) return true;
      break;
    case Severity::handle:
      // Every login takes all handles with it, however many come and go meanwhile.
      if (std::exchange(retries.handle_epoch, seen) != seen) retries.handle = 0;
      return ++retries.handle <= kHandleRetries;
    case Severity::suspicious:
      if (++retries.suspicious == 1) return true;
      return retries.suspicious <= kSuspiciousRetries && recover(seen, false, deadline);
    case Severity::token:
    case Severity::module:
      break;
  }
  if (++retries.token > kTokenRetries) return false;
  if (retries.token > 2 && !retries.back_off.wait(deadline)) return false;
  recover(seen, retries.token > 1, deadline);
  // This failure says more than that the time was over.
  return Clock::now() < deadline;
}

bool Connection::recover(std::uint64_t seen, bool suspect, Deadline deadline) {
  BackOff back_off;
  std::optional<Error> why;
  for (;;) {
    const std::uint64_t generation = module_->generation();
    {
      // One at a time; the calls wait. The module may be started again between the attempts.
      const TimedLock turn(recovery_, deadline, "the recovery of the token");
      const GateBarred barred(gate_);
      for (;;) {
        {
          const GateClosed closed(gate_, deadline);
          if (epoch_ != seen) return true;
          if (well(suspect)) return false;
          disconnect();
          why = attempt(deadline);
          if (!why) return true;
          if (needs_initialize(*why) || gone_for_long()) break;
        }
        if (!back_off.wait(deadline)) throw Error(*why);
      }
    }
    // Without the gate: starting the module again closes the gates of all its tokens, ours too.
    (void)start_module_again(*why, generation, false, deadline);
    if (epoch_ == seen && !back_off.wait(deadline)) throw Error(*why);
  }
}

std::optional<Error> Connection::attempt(Deadline deadline) {
  try {
    connect(deadline);
    log("token \"" + token_.info.label + "\" recovered");
    return std::nullopt;
  } catch (const Error& error) {
    log(std::string("token not recovered: ") + error.what());
    if (hopeless(error.failure())) throw;
    return error;
  }
}

bool Connection::start_module_again(const Error& why, std::uint64_t generation, bool asked_for,
                                    Deadline deadline) {
  try {
    if (!needs_initialize(why)) return module_->search_again(generation, asked_for, deadline);
    module_->start_again(generation, deadline);
    return true;
  } catch (const Error& error) {
    // For the caller, the reason to do so says more.
    log(std::string("module not started again: ") + error.what());
    return false;
  }
}

bool Connection::well(bool suspect) {
  if (!connected_ || anchor_lost_) return false;
  if (suspect && Clock::now() - last_login_ > kFreshLogin) return false;
  pool_.close_idle();
  try {
    const TimedLock lock(anchor_mutex_, Clock::now() + kResumeWithin, "the anchor session");
    if (anchor_->state() != logged_in_state_) return false;
    if (module_->inspect_slot(token_.slot).info.serial != token_.info.serial) return false;
    Session fresh(module_->functions(), token_.slot);
    listener_.prove(fresh);
    return true;
  } catch (const Error& error) {
    log(std::string("token in doubt: ") + error.what());
    return false;
  }
}

bool Connection::gone_for_long() const {
  return missing_ && Clock::now() - missing_->since >= kSearchAfter;
}

PresentToken Connection::locate() {
  std::vector<PresentToken> found = module_->present_tokens();
  std::erase_if(found, [this](const PresentToken& token) KMS_NO_THREAD_SAFETY_ANALYSIS {
    return !options_.selector.fits(token.info) || (serial_ && *serial_ != token.info.serial);
  });
  if (found.empty()) {
    if (!missing_) missing_ = {Clock::now(), module_->generation()};
    throw Error(Failure::token_not_found, "no token matches " + options_.selector.describe());
  }
  if (found.size() > 1) {
    std::string text = options_.selector.describe() + " matches several tokens:";
    for (const PresentToken& token : found) {
      text += " label \"" + token.info.label + "\" serial \"" + token.info.serial + "\";";
    }
    text.pop_back();
    throw Error(Failure::token_ambiguous, text);
  }
  return std::move(found.front());
}

void Connection::connect(Deadline deadline) {
  PresentToken token = locate();
  if (!serial_) {
    module_->claim(token.info.serial);
    serial_ = token.info.serial;
  }
  try {
    const TimedLock lock(anchor_mutex_, deadline, "the anchor session");
    anchor_ = std::make_unique<Session>(module_->functions(), token.slot);
    logged_in_state_ = log_in(*anchor_, token, *module_, options_);
    const MutexLock listening(listening_);
    if (closed_) throw Error(Failure::token_absent, "the token was closed during its login");
    listener_.logged_in(*anchor_, token, deadline);
  } catch (const Error&) {
    disconnect();
    throw;
  }
  pool_.use_slot(token.slot);
  token_ = std::move(token);
  connected_ = true;
  anchor_lost_ = false;
  if (missing_ && missing_->generation != module_->generation()) module_->search_helped();
  missing_.reset();
  last_login_ = Clock::now();
  ++epoch_;
}

void Connection::disconnect() noexcept {
  {
    const MutexLock lock(listening_);
    if (!closed_) listener_.logged_out();
  }
  pool_.close_idle();
  connected_ = false;
  try {
    const TimedLock lock(anchor_mutex_, Clock::now() + kResumeWithin, "the anchor session");
    anchor_.reset();
  } catch (const Error&) {
    // Cannot be: the anchor session is used behind the gate only, and that is closed.
    module_->keep_forever();
  }
}

void Connection::suspend() { disconnect(); }

bool Connection::is_closed() {
  const MutexLock lock(listening_);
  return closed_;
}

void Connection::resume(Deadline deadline) {
  const Deadline within = std::min(deadline, Clock::now() + kResumeWithin);
  try {
    const GateClosed closed(gate_, within);
    // Whoever wanted the token before it was its turn has recovered it.
    if (connected_ || is_closed() || !serial_ || epoch_ == 0) return;
    connect(within);
  } catch (const Error& error) {
    log(std::string("token not connected again: ") + error.what());
  }
}

void Connection::check_presence(Session& session) {
  if (session.state() != logged_in_state_) {
    throw Error(Failure::device_error, "the user is not logged in", CKR_USER_NOT_LOGGED_IN);
  }
  const PresentToken now = module_->inspect_slot(token_.slot);
  if (now.info.serial != token_.info.serial || now.info.label != token_.info.label) {
    throw Error(Failure::token_absent, "another token is in the slot", CKR_TOKEN_NOT_PRESENT);
  }
}

void Connection::check_health(Deadline deadline) {
  check_time(deadline);
  const GatePass pass(gate_, deadline);
  if (!connected_) throw Error(Failure::token_absent, "the login to the token is lost");
  SessionPool::Lease lease = pool_.acquire(deadline);
  try {
    check_presence(lease.session());
    listener_.prove(lease.session());
  } catch (const Error&) {
    lease.poison();
    throw;
  }
}

}  // namespace pkcs11
