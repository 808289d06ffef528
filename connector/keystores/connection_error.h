#pragma once

#include "connector/api/shapes.h"
#include "pkcs11/error.h"

namespace kms::keystores {

/// THE table of ConnectionErrorCode: why a custom key store could not be connected.
[[nodiscard]] api::ConnectionErrorCodeType connection_error(const pkcs11::Error& error);

/// Whether the token refused the PIN: what is never tried again by itself.
[[nodiscard]] bool refuses_pin(pkcs11::Failure failure) noexcept;

}  // namespace kms::keystores
