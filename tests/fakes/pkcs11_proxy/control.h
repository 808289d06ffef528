#pragma once

#include <dlfcn.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

// How a test steers libkms-pkcs11-proxy.so, the module that stands in front of a real one
// (KMS_PROXY_TARGET, by default Debian's SoftHSM) and injects faults.
//
// In the same process: `auto& proxy = pkcs11_proxy::control(KMS_PROXY_MODULE);`
// In another process: KMS_PROXY_CONTROL=FILE in its environment. FILE holds commands, one a line,
// `#` begins a comment. It is read when the module is loaded and again (all of it) within some 5 ms
// of a change; replace it by rename. `counters OUT` as the last command is the acknowledgement: OUT
// appears (by rename) when the commands above it are in force.
//
//   fail FUNCTION RV [after N] [times N|forever] [done]    latency all|FUNCTION MICROSECONDS
//   hang FUNCTION [times N|forever]                        release
//   absent DURATION(ms|s)|forever [TOKEN LABEL]            restore
//   sessions N|unlimited                                   forget_sessions
//   read_only_sessions on|off                              logout
//   gcm_iv host|in_param|appended                          pin_lock N|off
//   hide_mechanism NUMBER...                               show_mechanisms
//   tripwire arm|count                                     counters OUT
//   zero_counters                                          reset
namespace pkcs11_proxy {

constexpr unsigned long kForever = std::numeric_limits<unsigned long>::max();

struct Count {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;  // calls that answered anything but CKR_OK
};

/// Who makes the IV of C_EncryptInit(CKM_AES_GCM).
enum class GcmIv : std::uint8_t {
  host,      // the caller; the proxy changes nothing
  in_param,  // the proxy ignores the caller's and writes its own 12 bytes into pIv
  appended,  // the proxy ignores the caller's and appends its own 16 bytes to the ciphertext
};

/// Whether the real module saw a call that answers an injected error.
enum class Effect : std::uint8_t {
  none,  // it did not
  done,  // it did, with success, and only the answer is false
};

/// The faults. Thread-safe; in force for calls that begin afterwards. Function names are Cryptoki's
/// ("C_Encrypt"); an unknown one throws std::invalid_argument.
class Control {
 public:
  /// No faults, counters at zero, hanging calls released.
  virtual void reset() = 0;

  /// Calls to `function`: `after` more are let through, then `times` answer `rv`. Rules for one
  /// function add up, each counts by itself, the oldest that is due answers.
  virtual void fail(std::string_view function, unsigned long rv, unsigned long after = 0,
                    unsigned long times = 1, Effect effect = Effect::none) = 0;
  /// Drops the rules of fail() only.
  virtual void clear_failures() = 0;
  /// Adds this to each call of the function, or of "all".
  virtual void latency(std::string_view function, std::chrono::microseconds each) = 0;

  /// The next `times` calls to `function` hang until release().
  virtual void hang(std::string_view function, unsigned long times = 1) = 0;
  virtual void release() = 0;
  /// Waits until `calls` calls hang; false when the time is over.
  virtual bool wait_until_hanging(unsigned long calls, std::chrono::milliseconds timeout) = 0;

  /// The token (all of them if `label` is empty) is taken out: its sessions are gone, with them
  /// login and session objects; calls on them answer CKR_DEVICE_REMOVED (CKR_SESSION_HANDLE_INVALID
  /// once it is back), calls on the slot CKR_TOKEN_NOT_PRESENT, and C_GetSlotList(true) omits it.
  virtual void absent_for(std::chrono::milliseconds duration, std::string_view label = {}) = 0;
  virtual void absent_until_restored(std::string_view label = {}) = 0;
  virtual void restore() = 0;
  /// Every open session is forgotten, with login and session objects: CKR_SESSION_HANDLE_INVALID.
  virtual void forget_sessions() = 0;
  /// C_Logout on a session of every slot that has one: everybody is logged out.
  virtual void logout() = 0;

  /// Most sessions a token has; one more is CKR_SESSION_COUNT. kForever: no limit.
  virtual void max_sessions(unsigned long limit) = 0;
  /// Sessions that are open now, over all slots.
  [[nodiscard]] virtual unsigned long open_sessions() const = 0;
  /// false: C_OpenSession without CKF_RW_SESSION is CKR_FUNCTION_FAILED.
  virtual void read_only_sessions(bool allowed) = 0;
  virtual void gcm_iv(GcmIv mode) = 0;
  /// Mechanisms (CKM_...) that the token does not have; adds to those hidden before.
  virtual void hide_mechanism(unsigned long mechanism) = 0;
  virtual void show_mechanisms() = 0;
  /// After this many wrong user PINs in a row the PIN of that token is locked until reset() or a
  /// new limit. 0: never.
  virtual void pin_lock(unsigned long wrong_pins) = 0;

  /// Armed: asking for the value of a sensitive key, or of one on the token, aborts the
  /// process.
  virtual void arm_tripwire(bool armed) = 0;
  /// How often such a value was asked for, armed or not.
  [[nodiscard]] virtual std::uint64_t tripped() const = 0;

  [[nodiscard]] virtual Count count(std::string_view function) const = 0;
  virtual void zero_counters() = 0;

 protected:
  ~Control() = default;
};

/// The control of the module at `path`, which it loads if need be and keeps loaded.
inline Control& control(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* symbol = library == nullptr ? nullptr : ::dlsym(library, "kms_proxy_control");
  if (symbol == nullptr) throw std::runtime_error("no PKCS#11 proxy at " + path);
  return *reinterpret_cast<Control* (*)()>(symbol)();
}

}  // namespace pkcs11_proxy
