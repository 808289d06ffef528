#pragma once

#include <cstdint>
#include <span>

#include "pkcs11/cryptoki.h"
#include "pkcs11/error.h"

namespace pkcs11 {

/// What a CK_RV costs: what has to be given up before the operation can be tried again.
enum class Severity : std::uint8_t {
  caller,      // nothing: the answer is final
  session,     // the session: take another one
  handle,      // the cached object handle: find the object again
  token,       // the login: recover the token
  module,      // C_Initialize: the whole module starts again
  suspicious,  // also seen when a login or an object vanishes in mid-call: once more with all fresh
};

/// A row of THE table of return values.
struct CkRv {
  CK_RV rv;
  const char* name;
  Failure failure;
  Severity severity;
};

/// Every row, in ascending order of rv.
[[nodiscard]] std::span<const CkRv> ck_rv_table() noexcept;

/// The row of `rv`. A value without one (vendor-defined, or newer than we are) is suspicious.
[[nodiscard]] CkRv describe(CK_RV rv) noexcept;

/// Throws the Error that `rv`, returned by `function`, stands for.
[[noreturn]] void raise(CK_RV rv, const char* function);

/// The answer to a decryption blames what was to be decrypted.
[[nodiscard]] bool blames_ciphertext(CK_RV rv) noexcept;
/// The answer may blame a wrapped key, or the key in it; a token which is not well gives it too.
[[nodiscard]] bool may_blame_wrapped_key(CK_RV rv) noexcept;
/// The error says that the token does not do such a thing, rather than something of the moment.
[[nodiscard]] bool is_refusal(const Error& error) noexcept;

/// raise() unless `rv` is CKR_OK.
inline void check(CK_RV rv, const char* function) {
  if (rv != CKR_OK) raise(rv, function);
}

}  // namespace pkcs11
