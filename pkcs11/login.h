#pragma once

#include "pkcs11/loaded_module.h"
#include "pkcs11/session.h"

namespace pkcs11 {

/// Logs the user in, unless the token needs no login or will not take this PIN: a PIN that was
/// refused once is never tried again; one that was locked or had expired, in this process only if
/// somebody had the module look again. Returns the state that sessions are in from now on.
CK_STATE log_in(Session& anchor, const PresentToken& token, LoadedModule& module,
                const TokenOptions& options);

}  // namespace pkcs11
