#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pkcs11 {

/// Why a token operation failed, in terms a caller can act on. The table in ck_rv.cpp maps every
/// CK_RV to one.
enum class Failure : std::uint8_t {
  module_not_loadable,  // no such file, no C_GetFunctionList, C_Initialize refused
  token_not_found,      // no token answers to the selector
  token_ambiguous,      // several do; the text names the candidates
  token_absent,         // was there: removed, slot gone, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_REMOVED
  device_error,   // CKR_DEVICE_ERROR, CKR_GENERAL_ERROR that a canary confirms, network HSM faults
  pin_incorrect,  // CKR_PIN_INCORRECT, now or (recorded) earlier for the very same PIN
  pin_locked,     // CKR_PIN_LOCKED, CKF_USER_PIN_LOCKED
  pin_not_initialized,       // CKR_USER_PIN_NOT_INITIALIZED
  user_logged_in_elsewhere,  // CKR_USER_ALREADY_LOGGED_IN / CKR_USER_ANOTHER_ALREADY_LOGGED_IN by a
                             // stranger
  sessions_exhausted,        // no session came free before the deadline
  deadline_exceeded,         // the token did not recover or answer before the deadline
  key_not_found,             // the token is healthy and does not hold the object
  unsupported,               // the capability probe did not find the mechanism
  material_rejected,         // a wrapped blob that this token's KEK does not open
  bad_argument,              // a bug in the caller: key type does not fit, length out of range
  other,
};

/// The stable name of a failure, as it appears in logs.
[[nodiscard]] const char* name(Failure failure) noexcept;

/// Thrown by everything in pkcs11/. The text holds names and numbers, never key or caller's data.
class Error final : public std::runtime_error {
 public:
  Error(Failure failure, const std::string& text, unsigned long rv = 0)
      : std::runtime_error(text), failure_(failure), rv_(rv) {}
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  /// The CK_RV behind it, 0 (CKR_OK) if there is none.
  [[nodiscard]] unsigned long rv() const noexcept { return rv_; }

 private:
  Failure failure_;
  unsigned long rv_;
};

}  // namespace pkcs11
