#include "pkcs11/login.h"

#include <exception>

namespace pkcs11 {
namespace {

/// Whether the token will not have this PIN.
bool is_refusal(Failure failure) {
  return failure == Failure::pin_incorrect || failure == Failure::pin_locked;
}

/// A PIN that is locked or has expired may be right, and is good again once the security officer
/// has seen to it: that must not be on record for ever.
bool is_final(Failure failure) { return failure == Failure::pin_incorrect; }

void check_never_refused(const PresentToken& token, LoadedModule& module,
                         const TokenOptions& options, ByteView pin) {
  std::optional<Failure> before = module.refused_pins().refused(token.info.serial, pin);
  if (!before && options.pin_refusals != nullptr) {
    try {
      before = options.pin_refusals->refused(token.info.serial, pin);
    } catch (const std::exception& error) {
      throw Error(
          Failure::other,
          std::string("cannot tell whether the token has refused this PIN: ") + error.what());
    }
    // Earlier versions did record it.
    if (before && !is_final(*before)) before.reset();
  }
  if (before) {
    throw Error(*before, "token \"" + token.info.label +
                             "\" has refused this PIN before; it is not tried again");
  }
}

/// False if there is no durable record of it.
bool record_durably(const PresentToken& token, const TokenOptions& options, ByteView pin,
                    Failure failure) {
  if (options.pin_refusals == nullptr) return false;
  try {
    options.pin_refusals->record(token.info.serial, pin, failure);
    return true;
  } catch (const std::exception& error) {
    // The refusal itself is what the caller has to know; RefusedPins holds for this process.
    if (options.log) options.log(std::string("refusal of a PIN not recorded: ") + error.what());
    return false;
  }
}

}  // namespace

CK_STATE log_in(Session& anchor, const PresentToken& token, LoadedModule& module,
                const TokenOptions& options) {
  if ((token.flags & CKF_LOGIN_REQUIRED) == 0) return CKS_RW_PUBLIC_SESSION;
  if ((token.flags & CKF_USER_PIN_LOCKED) != 0) {
    throw Error(Failure::pin_locked,
                "the user PIN of token \"" + token.info.label + "\" is locked");
  }
  if ((token.flags & CKF_USER_PIN_INITIALIZED) == 0) {
    throw Error(Failure::pin_not_initialized, "token \"" + token.info.label + "\" has no user PIN");
  }
  const SecretBytes pin = options.pin.join();
  check_never_refused(token, module, options, pin.view());

  const bool tried_before = module.note_login(token.info.serial);
  CK_RV rv = anchor.login(pin.view());
  if (rv == CKR_USER_ALREADY_LOGGED_IN && tried_before) {
    // Ours, from a session that the token would not close. The module answers this before it looks
    // at the PIN, so only a new login shows that the PIN is right.
    anchor.logout();
    rv = anchor.login(pin.view());
  }
  const Failure failure = describe(rv).failure;
  // A durable record may be lifted by its owner, so it is the only one.
  if (is_refusal(failure) &&
      !(is_final(failure) && record_durably(token, options, pin.view(), failure))) {
    module.refused_pins().record(token.info.serial, pin.view(), failure);
  }
  check(rv, "C_Login");
  return CKS_RW_USER_FUNCTIONS;
}

}  // namespace pkcs11
