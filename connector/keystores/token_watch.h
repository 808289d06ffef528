#pragma once

#include <string>

#include "connector/keystores/key_stores.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Asks the token how it is; fills in `ready`, `detail` and `epoch`.
void examine(pkcs11::Token& token, TokenStatus& status);
/// Makes a sick token recover, as the next request would.
void recover(pkcs11::Token& token);

}  // namespace kms::keystores
