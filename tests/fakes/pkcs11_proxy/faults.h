#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "pkcs11/mutex.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/fakes/pkcs11_proxy/functions.h"
#include "tests/fakes/pkcs11_proxy/tokens.h"

namespace pkcs11_proxy {

/// The faults in force and the counters; what a call asks on its way.
class Faults final : public Control {
 public:
  struct Failure {
    CK_RV rv;
    Effect effect;
  };

  /// A call begins: counted, delayed, and held as long as it is to hang.
  void arrive(Function function);
  /// The injected answer to this call, if one is due.
  std::optional<Failure> due(Function function);
  /// A call ends with `rv`.
  void leave(Function function, CK_RV rv);

  bool hidden(CK_MECHANISM_TYPE mechanism) const;
  bool read_only_sessions() const { return read_only_sessions_; }
  GcmIv gcm_iv() const { return gcm_iv_; }
  /// The value of a key that must not be seen was asked for.
  void trip(std::string_view what);

  Tokens& tokens() { return tokens_; }

  void reset() override;
  void fail(std::string_view function, unsigned long rv, unsigned long after, unsigned long times,
            Effect effect) override;
  void clear_failures() override;
  void latency(std::string_view function, std::chrono::microseconds each) override;
  void hang(std::string_view function, unsigned long times) override;
  void release() override;
  bool wait_until_hanging(unsigned long calls, std::chrono::milliseconds timeout) override;
  void absent_for(std::chrono::milliseconds duration, std::string_view label) override;
  void absent_until_restored(std::string_view label) override;
  void restore() override;
  void forget_sessions() override;
  void logout() override;
  void max_sessions(unsigned long limit) override;
  unsigned long open_sessions() const override;
  void read_only_sessions(bool allowed) override;
  void gcm_iv(GcmIv mode) override;
  void hide_mechanism(unsigned long mechanism) override;
  void show_mechanisms() override;
  void pin_lock(unsigned long wrong_pins) override;
  void arm_tripwire(bool armed) override;
  std::uint64_t tripped() const override;
  Count count(std::string_view function) const override;
  void zero_counters() override;

 private:
  struct Rule {
    CK_RV rv;
    unsigned long after;
    unsigned long times;
    Effect effect;
  };
  /// Atomics, so that a call without faults takes no lock here.
  struct PerFunction {
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::int64_t> latency_us{0};
    std::atomic<unsigned long> hangs{0};
    std::atomic<bool> has_rules{false};
  };
  static std::size_t index_of(std::string_view function);
  PerFunction& at(Function function) { return functions_[static_cast<std::size_t>(function)]; }
  void hold();

  Tokens tokens_;
  std::array<PerFunction, kFunctionCount> functions_;
  std::atomic<bool> read_only_sessions_{true};
  std::atomic<GcmIv> gcm_iv_{GcmIv::host};
  std::atomic<bool> tripwire_armed_{false};
  std::atomic<std::uint64_t> tripped_{0};
  std::atomic<bool> hides_mechanisms_{false};

  mutable pkcs11::Mutex mutex_;
  std::condition_variable hanging_changed_;
  std::array<std::vector<Rule>, kFunctionCount> rules_ KMS_GUARDED_BY(mutex_);
  std::set<CK_MECHANISM_TYPE> hidden_ KMS_GUARDED_BY(mutex_);
  unsigned long hanging_ KMS_GUARDED_BY(mutex_) = 0;
  std::uint64_t releases_ KMS_GUARDED_BY(mutex_) = 0;
};

/// The one of this module.
Faults& faults();

}  // namespace pkcs11_proxy
