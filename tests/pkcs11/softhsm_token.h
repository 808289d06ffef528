#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkcs11/module.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/softhsm.h"

namespace pkcs11 {

inline Deadline within(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}
inline Deadline soon() { return within(std::chrono::seconds(60)); }

/// One SoftHSM with one token behind the fault-injecting proxy, and what is loaded from it.
struct SoftHsmToken {
  explicit SoftHsmToken(const std::string& label = "test") : label_(label) {
    softhsm.add_token(label);
    proxy.reset();
  }
  ~SoftHsmToken() { proxy.reset(); }
  SoftHsmToken(const SoftHsmToken&) = delete;
  SoftHsmToken& operator=(const SoftHsmToken&) = delete;

  [[nodiscard]] TokenOptions options(const std::string& pin = kms::test::SoftHsm::kUserPin) {
    TokenOptions options;
    options.selector.label = label_;
    options.pin = SecretBytes::copy_of(std::string_view(pin));
    options.log = [this](const std::string& text) {
      const std::lock_guard lock(mutex);
      log.push_back(text);
    };
    return options;
  }
  std::shared_ptr<Module> module() {
    return modules.load(kms::test::SoftHsm::proxy_path(), {}, soon());
  }
  std::unique_ptr<Token> open(Deadline deadline = soon()) {
    return module()->open(options(), deadline);
  }
  [[nodiscard]] std::string log_text() {
    const std::lock_guard lock(mutex);
    std::string text;
    for (const std::string& line : log) text += line + "\n";
    return text;
  }

  kms::test::SoftHsm softhsm;
  std::string label_;
  pkcs11_proxy::Control& proxy = pkcs11_proxy::control(kms::test::SoftHsm::proxy_path());
  std::mutex mutex;
  std::vector<std::string> log;
  Modules modules;
};

/// How often the module was started: libp11's C_Initialize, after our own, answers that it is.
inline std::uint64_t starts_of(const pkcs11_proxy::Control& proxy) {
  const pkcs11_proxy::Count count = proxy.count("C_Initialize");
  return count.calls - count.errors;
}

/// For GoogleTest's messages.
inline void PrintTo(Failure failure, std::ostream* out) { *out << name(failure); }

/// The Failure that the call throws.
template <class Call>
Failure failure_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.failure();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Failure::other;
}

/// What `call(Deadline)` throws of a token that stays away: by the deadline, or by a machine that
/// stalls after it. Such a machine may leave no time to find out what is wrong; then there is more.
template <class Call>
Failure failure_in_time(Call&& call) {
  using std::chrono::milliseconds;
  Failure failure = Failure::other;
  for (const milliseconds time : {milliseconds(300), milliseconds(3000), milliseconds(10000)}) {
    const Deadline deadline = within(time);
    failure = failure_of([&] { call(deadline); });
    EXPECT_LT(std::chrono::steady_clock::now(), deadline + std::chrono::seconds(20));
    if (failure != Failure::deadline_exceeded) break;
  }
  return failure;
}

}  // namespace pkcs11
