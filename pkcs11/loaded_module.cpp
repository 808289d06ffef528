#include "pkcs11/loaded_module.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "pkcs11/ck_rv.h"
#include "pkcs11/connection.h"
#include "pkcs11/cryptoki_token.h"
#include "pkcs11/gate.h"

namespace pkcs11 {
namespace {

using Clock = std::chrono::steady_clock;

/// How long calls are kept out of all tokens of a module until those that run have ended.
constexpr std::chrono::milliseconds kIdleWithin{500};
/// How long one waits for another slot's C_GetTokenInfo.
constexpr std::chrono::seconds kTurnToInspect{2};

/// Cryptoki pads its texts with blanks.
template <std::size_t size>
std::string text(const CK_UTF8CHAR (&padded)[size]) {
  std::string trimmed(reinterpret_cast<const char*>(padded), size);
  trimmed.erase(trimmed.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return trimmed;
}

std::string text(const CK_VERSION& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace

LoadedModule::LoadedModule(std::unique_ptr<Library> library, std::string init_args)
    : library_(std::move(library)), init_args_(std::move(init_args)) {}

LoadedModule::~LoadedModule() {
  if (keep_forever_) (void)library_.release();
}

PresentToken LoadedModule::inspect_slot(CK_SLOT_ID slot) const {
  CK_TOKEN_INFO token{};
  {
    // SoftHSM tells the time in it by gmtime(), whose answer is one for all threads.
    const TimedLock lock(inspection_, Clock::now() + kTurnToInspect, "C_GetTokenInfo");
    check(functions().C_GetTokenInfo(slot, &token), "C_GetTokenInfo");
  }
  CK_INFO library{};
  check(functions().C_GetInfo(&library), "C_GetInfo");
  PresentToken present;
  present.slot = slot;
  present.flags = token.flags;
  present.info.label = text(token.label);
  present.info.serial = text(token.serialNumber);
  present.info.manufacturer = text(token.manufacturerID);
  present.info.model = text(token.model);
  present.info.firmware = text(token.firmwareVersion);
  present.info.library = text(library.libraryDescription) + " " + text(library.libraryVersion);
  return present;
}

std::vector<PresentToken> LoadedModule::present_tokens() const {
  CK_ULONG number = 0;
  check(functions().C_GetSlotList(CK_TRUE, nullptr, &number), "C_GetSlotList");
  std::vector<CK_SLOT_ID> slots(number);
  if (number != 0)
    check(functions().C_GetSlotList(CK_TRUE, slots.data(), &number), "C_GetSlotList");
  slots.resize(std::min<std::size_t>(slots.size(), number));

  std::vector<PresentToken> present;
  std::optional<Error> failed;
  for (const CK_SLOT_ID slot : slots) {
    try {
      PresentToken token = inspect_slot(slot);
      if ((token.flags & CKF_TOKEN_INITIALIZED) != 0) present.push_back(std::move(token));
    } catch (const Error& error) {
      if (!failed) failed = error;
    }
  }
  if (present.empty() && failed) throw Error(*failed);
  return present;
}

std::vector<TokenInfo> LoadedModule::tokens(bool rescan, Deadline deadline) {
  if (rescan) {
    std::uint64_t seen = 0;
    {
      // A start that is under way may have looked at the token before the caller's time.
      const TimedLock lock(control_, deadline, "the module");
      seen = generation();
    }
    if (!search_again(seen, true, deadline)) {
      throw Error(Failure::deadline_exceeded, "the module was not started again in time");
    }
    // Whoever asks may know that the PIN was seen to.
    refused_pins_.forget(Failure::pin_locked);
  }
  const TimedLock lock(control_, deadline, "the module");
  std::vector<TokenInfo> infos;
  for (PresentToken& token : present_tokens()) infos.push_back(std::move(token.info));
  return infos;
}

std::unique_ptr<Token> LoadedModule::open(TokenOptions options, Deadline deadline) {
  auto self = std::static_pointer_cast<LoadedModule>(shared_from_this());
  return std::make_unique<CryptokiToken>(std::move(self), std::move(options), deadline);
}

std::vector<std::shared_ptr<Connection>> LoadedModule::connections() {
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& weak : connections_) {
    if (auto connection = weak.lock()) all.push_back(std::move(connection));
  }
  return all;
}

void LoadedModule::enroll(const std::shared_ptr<Connection>& connection, Deadline deadline) {
  const TimedLock lock(control_, deadline, "the module");
  connections_.push_back(connection);
}

void LoadedModule::start_again(std::uint64_t seen, Deadline deadline) {
  const TimedLock lock(control_, deadline, "the module");
  if (generation_ == seen) restart(deadline);
}

bool LoadedModule::search_again(std::uint64_t seen, bool asked, Deadline deadline) {
  for (;;) {
    std::optional<Deadline> next;
    {
      const TimedLock lock(control_, deadline, "the module");
      if (generation_ != seen) return true;
      const bool disturbs = std::ranges::any_of(
          connections(), [](const auto& connection) { return connection->connected(); });
      {
        const MutexLock pace_lock(mutex_);
        next = search_pace_.take_turn(Clock::now(), disturbs, asked);
      }
      if (!next) {
        try {
          restart(deadline);
          return true;
        } catch (const Error& error) {
          if (error.failure() != Failure::deadline_exceeded) throw;
          const MutexLock pace_lock(mutex_);
          search_pace_.not_done();
          if (!asked) throw;
          continue;
        }
      }
    }
    if (!asked || *next > deadline) return false;
    std::this_thread::sleep_until(*next);
  }
}

void LoadedModule::search_helped() {
  const MutexLock lock(mutex_);
  search_pace_.helped();
}

// As many gates are closed as there are connections, which the analysis cannot follow.
void LoadedModule::restart(Deadline deadline) KMS_NO_THREAD_SAFETY_ANALYSIS {
  if (keep_forever_) {
    throw Error(Failure::deadline_exceeded, "a call to the module never ended");
  }
  const auto all = connections();
  {
    std::vector<std::unique_ptr<GateClosed>> closed;
    // The other tokens wait meanwhile, and a module with a call that hangs cannot be finalised.
    const Deadline idle = std::min(deadline, Clock::now() + kIdleWithin);
    for (const auto& connection : all) {
      closed.push_back(std::make_unique<GateClosed>(connection->gate(), idle));
    }
    for (const auto& connection : all) connection->suspend();
    library_->finalize();
    library_->initialize(init_args_);
    ++generation_;
  }
  // With all gates open: a login that takes long holds up its own token only.
  for (const auto& connection : all) connection->resume(deadline);
}

void LoadedModule::claim(const std::string& serial) {
  const MutexLock lock(mutex_);
  if (claimed_.insert(serial).second) return;
  throw Error(Failure::user_logged_in_elsewhere,
              "the token with serial \"" + serial + "\" is in use already");
}

void LoadedModule::release(const std::string& serial) noexcept {
  const MutexLock lock(mutex_);
  claimed_.erase(serial);
}

bool LoadedModule::note_login(const std::string& serial) {
  const MutexLock lock(mutex_);
  return !login_tried_.insert(serial).second;
}

std::optional<Probed> LoadedModule::known_capabilities(const std::string& token) const {
  const MutexLock lock(mutex_);
  const auto known = capabilities_.find(token);
  if (known == capabilities_.end()) return std::nullopt;
  return known->second;
}

void LoadedModule::learn_capabilities(const std::string& token, const Probed& probed) {
  const MutexLock lock(mutex_);
  capabilities_.insert_or_assign(token, probed);
}

}  // namespace pkcs11
