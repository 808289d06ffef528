#include "tests/fakes/pkcs11_proxy/faults.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace pkcs11_proxy {
namespace {

/// Takes one from a budget that may be kForever.
bool take_one(unsigned long& budget) {
  if (budget == 0) return false;
  if (budget != kForever) --budget;
  return true;
}

bool take_one(std::atomic<unsigned long>& budget) {
  unsigned long now = budget;
  for (;;) {
    unsigned long next = now;
    if (!take_one(next)) return false;
    if (budget.compare_exchange_weak(now, next)) return true;
  }
}

}  // namespace

std::size_t Faults::index_of(std::string_view function) {
  const auto* const found =
      std::find(std::begin(kFunctionNames), std::end(kFunctionNames), function);
  if (found == std::end(kFunctionNames)) {
    throw std::invalid_argument("no Cryptoki function " + std::string(function));
  }
  return static_cast<std::size_t>(found - std::begin(kFunctionNames));
}

void Faults::arrive(Function function) {
  PerFunction& self = at(function);
  ++self.calls;
  const std::int64_t latency = self.latency_us;
  if (latency > 0) std::this_thread::sleep_for(std::chrono::microseconds(latency));
  if (self.hangs != 0 && take_one(self.hangs)) hold();
}

void Faults::hold() {
  pkcs11::MutexLock lock(mutex_);
  const std::uint64_t before = releases_;
  ++hanging_;
  hanging_changed_.notify_all();
  while (releases_ == before) lock.wait(hanging_changed_);
  --hanging_;
}

std::optional<Faults::Failure> Faults::due(Function function) {
  PerFunction& self = at(function);
  if (!self.has_rules) return std::nullopt;
  const pkcs11::MutexLock lock(mutex_);
  std::vector<Rule>& rules = rules_[static_cast<std::size_t>(function)];
  std::optional<Failure> failure;
  for (Rule& rule : rules) {
    if (rule.after > 0) {
      --rule.after;
    } else if (!failure && take_one(rule.times)) {
      failure = Failure{rule.rv, rule.effect};
    }
  }
  std::erase_if(rules, [](const Rule& rule) { return rule.times == 0; });
  self.has_rules = !rules.empty();
  return failure;
}

void Faults::leave(Function function, CK_RV rv) {
  if (rv != CKR_OK) ++at(function).errors;
}

bool Faults::hidden(CK_MECHANISM_TYPE mechanism) const {
  if (!hides_mechanisms_) return false;
  const pkcs11::MutexLock lock(mutex_);
  return hidden_.contains(mechanism);
}

void Faults::trip(std::string_view what) {
  ++tripped_;
  if (!tripwire_armed_) return;
  std::fprintf(stderr, "kms-pkcs11-proxy: tripwire: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

void Faults::reset() {
  clear_failures();
  for (PerFunction& function : functions_) function.latency_us = 0;
  read_only_sessions_ = true;
  gcm_iv_ = GcmIv::host;
  tripwire_armed_ = false;
  show_mechanisms();
  tokens_.reset();
  release();
  zero_counters();
}

void Faults::fail(std::string_view function, unsigned long rv, unsigned long after,
                  unsigned long times, Effect effect) {
  const std::size_t index = index_of(function);
  if (times == 0) return;
  const pkcs11::MutexLock lock(mutex_);
  rules_[index].push_back({.rv = rv, .after = after, .times = times, .effect = effect});
  functions_[index].has_rules = true;
}

void Faults::clear_failures() {
  const pkcs11::MutexLock lock(mutex_);
  for (std::size_t i = 0; i < kFunctionCount; ++i) {
    rules_[i].clear();
    functions_[i].has_rules = false;
  }
}

void Faults::latency(std::string_view function, std::chrono::microseconds each) {
  if (function == "all") {
    for (PerFunction& one : functions_) one.latency_us = each.count();
  } else {
    functions_[index_of(function)].latency_us = each.count();
  }
}

void Faults::hang(std::string_view function, unsigned long times) {
  functions_[index_of(function)].hangs = times;
}

void Faults::release() {
  for (PerFunction& function : functions_) function.hangs = 0;
  const pkcs11::MutexLock lock(mutex_);
  ++releases_;
  hanging_changed_.notify_all();
}

bool Faults::wait_until_hanging(unsigned long calls, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  pkcs11::MutexLock lock(mutex_);
  while (hanging_ < calls) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    lock.wait_until(hanging_changed_, deadline);
  }
  return true;
}

void Faults::absent_for(std::chrono::milliseconds duration, std::string_view label) {
  tokens_.remove(label, std::chrono::steady_clock::now() + duration);
}

void Faults::absent_until_restored(std::string_view label) {
  tokens_.remove(label, std::chrono::steady_clock::time_point::max());
}

void Faults::restore() { tokens_.restore(); }
void Faults::forget_sessions() { tokens_.forget_sessions(); }
void Faults::logout() { tokens_.logout(); }
void Faults::max_sessions(unsigned long limit) { tokens_.max_sessions(limit); }
unsigned long Faults::open_sessions() const { return tokens_.open_sessions(); }
void Faults::read_only_sessions(bool allowed) { read_only_sessions_ = allowed; }
void Faults::gcm_iv(GcmIv mode) { gcm_iv_ = mode; }

void Faults::hide_mechanism(unsigned long mechanism) {
  const pkcs11::MutexLock lock(mutex_);
  hidden_.insert(mechanism);
  hides_mechanisms_ = true;
}

void Faults::show_mechanisms() {
  const pkcs11::MutexLock lock(mutex_);
  hidden_.clear();
  hides_mechanisms_ = false;
}

void Faults::pin_lock(unsigned long wrong_pins) { tokens_.pin_lock(wrong_pins); }
void Faults::arm_tripwire(bool armed) { tripwire_armed_ = armed; }
std::uint64_t Faults::tripped() const { return tripped_; }

Count Faults::count(std::string_view function) const {
  const PerFunction& self = functions_[index_of(function)];
  return {.calls = self.calls, .errors = self.errors};
}

void Faults::zero_counters() {
  for (PerFunction& function : functions_) {
    function.calls = 0;
    function.errors = 0;
  }
  tripped_ = 0;
}

Faults& faults() {
  static Faults instance;
  return instance;
}

}  // namespace pkcs11_proxy
