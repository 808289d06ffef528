#include "connector/keystores/connection_error.h"

namespace kms::keystores {
namespace {

// CKR_HOST_MEMORY and CKR_GENERAL_ERROR: the module failed, not the way to the HSM.
constexpr unsigned long kHostMemory = 0x02;
constexpr unsigned long kGeneralError = 0x05;

}  // namespace

api::ConnectionErrorCodeType connection_error(const pkcs11::Error& error) {
  using enum pkcs11::Failure;
  using Code = api::ConnectionErrorCodeType;
  switch (error.failure()) {
    case token_not_found:
    case token_absent:
      return Code::insufficient_cloudhsm_hsms;
    case device_error:
      return error.rv() == kHostMemory || error.rv() == kGeneralError ? Code::internal_error
                                                                      : Code::network_errors;
    case deadline_exceeded:
      return Code::network_errors;
    case pin_incorrect:
      return Code::invalid_credentials;
    case pin_locked:
      return Code::user_locked_out;
    case pin_not_initialized:
      return Code::user_not_found;
    case user_logged_in_elsewhere:
      return Code::user_logged_in;
    case module_not_loadable:
    case token_ambiguous:
    case sessions_exhausted:
    case key_not_found:
    case unsupported:
    case material_rejected:
    case bad_argument:
    case other:
      return Code::internal_error;
  }
  return Code::internal_error;
}

bool refuses_pin(pkcs11::Failure failure) noexcept {
  using enum pkcs11::Failure;
  return failure == pin_incorrect || failure == pin_locked || failure == pin_not_initialized;
}

}  // namespace kms::keystores
