#pragma once

#include <cstdint>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "pkcs11/error.h"

namespace kms::keystores {

/// Whose token it is: that decides how its faults are told.
enum class TokenRole : std::uint8_t {
  region,  // ours: its faults are internal errors
  custom,  // the customer's cluster: its faults are the state of the customer's key store
};

/// THE table of what callers are told of a token's failure. A device's fault is never a bad
/// ciphertext.
[[nodiscard]] api::Error api_error(pkcs11::Failure failure, TokenRole role);

/// Runs token operations, translating what they throw.
template <class Function>
auto translated(TokenRole role, Function&& function) {
  try {
    return function();
  } catch (const pkcs11::Error& error) {
    log(LogLevel::warning, "keystores", error.what());
    throw api_error(error.failure(), role);
  }
}

}  // namespace kms::keystores
