#include "connector/keystores/region_tokens.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "connector/keystores/connection_error.h"
#include "connector/keystores/open_token.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kOpenTimeout{20};
constexpr std::chrono::milliseconds kFirstRetry{250};
constexpr std::chrono::milliseconds kLastRetry{30'000};

}  // namespace

struct RegionTokens::Slot {
  explicit Slot(const config::Region& of) : region(of), handle(std::make_shared<TokenHandle>()) {}

  const config::Region& region;
  const std::shared_ptr<TokenHandle> handle;
  std::shared_ptr<TokenKeyStore> store;  // fixed once made
  std::thread thread;
  // These under the mutex of RegionTokens.
  bool attempted = false;
  std::string why = "not opened yet";
};

RegionTokens::RegionTokens(const config::Config& config, pkcs11::Modules& modules,
                           std::shared_ptr<pkcs11::PinRefusals> pin_refusals,
                           const TokenKeyStore::Shared& shared)
    : modules_(modules), pin_refusals_(std::move(pin_refusals)) {
  for (const config::Region& region : config.regions) {
    auto slot = std::make_unique<Slot>(region);
    slot->store = std::make_shared<TokenKeyStore>(slot->handle, TokenRole::region, shared);
    slots_.emplace(region.name, std::move(slot));
  }
}

RegionTokens::~RegionTokens() { stop(); }

void RegionTokens::start(std::chrono::milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  for (const auto& [name, slot] : slots_) {
    slot->thread = std::thread([this, &slot = *slot] { work(slot); });
  }
  MutexLock lock(mutex_);
  while (attempted_ < slots_.size()) {
    if (lock.wait_until(changed_, until) == std::cv_status::timeout) break;
  }
}

void RegionTokens::cancel() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (const auto& [name, slot] : slots_) slot->handle->cancel();
}

void RegionTokens::stop() {
  cancel();
  for (const auto& [name, slot] : slots_) {
    if (slot->thread.joinable()) slot->thread.join();
    slot->handle->close();
  }
}

bool RegionTokens::open(Slot& slot) {
  const config::Region& region = slot.region;
  std::string why;
  bool again = true;
  try {
    std::unique_ptr<pkcs11::Token> token =
        open_token(modules_, region.token, region.pin.clone(), true, pin_refusals_, region.name,
                   false, Clock::now() + kOpenTimeout);
    log(LogLevel::info, "keystores", region.name + ": token " + token->info().serial + " is open");
    slot.handle->set(std::move(token));
    return false;
  } catch (const pkcs11::Error& error) {
    why = pkcs11::name(error.failure());
    again = !refuses_pin(error.failure());
    log(LogLevel::error, "keystores",
        region.name + ": " + error.what() + (again ? "" : "; not tried again"));
  } catch (const std::exception& error) {
    why = "internal error";
    log(LogLevel::error, "keystores", region.name + ": " + error.what());
  }
  const MutexLock lock(mutex_);
  slot.why = why;
  return again;
}

void RegionTokens::work(Slot& slot) {
  std::chrono::milliseconds retry = kFirstRetry;
  bool again = open(slot);
  {
    const MutexLock lock(mutex_);
    slot.attempted = true;
    ++attempted_;
  }
  changed_.notify_all();
  while (again && wait_until(Clock::now() + retry)) {
    again = open(slot);
    retry = std::min(retry * 2, kLastRetry);
  }
}

bool RegionTokens::wait_until(pkcs11::Deadline time) {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (lock.wait_until(changed_, time) == std::cv_status::timeout) break;
  }
  return !stopping_;
}

std::shared_ptr<KeyStore> RegionTokens::key_store(const std::string& region) const {
  const auto found = slots_.find(region);
  if (found == slots_.end()) throw api_error(pkcs11::Failure::token_absent, TokenRole::region);
  const Slot& slot = *found->second;
  if (slot.handle->get() == nullptr) {
    const MutexLock lock(mutex_);
    // Before that, whoever uses the store waits for the token.
    if (slot.attempted) throw api_error(pkcs11::Failure::token_absent, TokenRole::region);
  }
  return slot.store;
}

pkcs11::Token& RegionTokens::token(const std::string& region, pkcs11::Deadline deadline) const {
  const auto found = slots_.find(region);
  if (found == slots_.end()) {
    throw pkcs11::Error(pkcs11::Failure::token_absent,
                        "no token is configured for Region " + region);
  }
  return found->second->handle->wait(deadline);
}

std::vector<TokenStatus> RegionTokens::status() const {
  std::vector<TokenStatus> all;
  for (const auto& [name, slot] : slots_) {
    TokenStatus& status = all.emplace_back(TokenStatus{.name = name});
    if (slot->handle->examine(status)) continue;
    const MutexLock lock(mutex_);
    status.detail = slot->why;
  }
  return all;
}

void RegionTokens::for_each_open(
    const std::function<void(const std::string&, const TokenHandle&)>& visit) const {
  for (const auto& [name, slot] : slots_) {
    if (slot->handle->get() != nullptr) visit(name, *slot->handle);
  }
}

}  // namespace kms::keystores
