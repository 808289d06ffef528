#include "pkcs11/ck_rv.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace pkcs11 {
namespace {

using enum Failure;
using S = Severity;

#define KMS_CKR(code) code, #code
constexpr std::array kTable{
    CkRv{KMS_CKR(CKR_CANCEL), other, S::session},
    CkRv{KMS_CKR(CKR_HOST_MEMORY), other, S::caller},
    CkRv{KMS_CKR(CKR_SLOT_ID_INVALID), token_absent, S::token},
    // SoftHSM answers this to a wrong GCM tag as well as to a token whose files are gone.
    CkRv{KMS_CKR(CKR_GENERAL_ERROR), device_error, S::suspicious},
    CkRv{KMS_CKR(CKR_FUNCTION_FAILED), device_error, S::suspicious},
    CkRv{KMS_CKR(CKR_ARGUMENTS_BAD), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_NO_EVENT), other, S::caller},
    CkRv{KMS_CKR(CKR_NEED_TO_CREATE_THREADS), module_not_loadable, S::caller},
    CkRv{KMS_CKR(CKR_CANT_LOCK), module_not_loadable, S::caller},
    CkRv{KMS_CKR(CKR_ATTRIBUTE_READ_ONLY), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_ATTRIBUTE_SENSITIVE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_ATTRIBUTE_TYPE_INVALID), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_ATTRIBUTE_VALUE_INVALID), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_ACTION_PROHIBITED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_DATA_INVALID), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_DATA_LEN_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_DEVICE_ERROR), device_error, S::token},
    CkRv{KMS_CKR(CKR_DEVICE_MEMORY), device_error, S::caller},
    CkRv{KMS_CKR(CKR_DEVICE_REMOVED), token_absent, S::token},
    CkRv{KMS_CKR(CKR_ENCRYPTED_DATA_INVALID), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_ENCRYPTED_DATA_LEN_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_AEAD_DECRYPT_FAILED), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_FUNCTION_CANCELED), device_error, S::session},
    CkRv{KMS_CKR(CKR_FUNCTION_NOT_PARALLEL), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_FUNCTION_NOT_SUPPORTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_KEY_HANDLE_INVALID), key_not_found, S::handle},
    CkRv{KMS_CKR(CKR_KEY_SIZE_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_KEY_TYPE_INCONSISTENT), bad_argument, S::suspicious},
    CkRv{KMS_CKR(CKR_KEY_NOT_NEEDED), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_KEY_CHANGED), other, S::handle},
    CkRv{KMS_CKR(CKR_KEY_NEEDED), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_KEY_INDIGESTIBLE), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_KEY_FUNCTION_NOT_PERMITTED), bad_argument, S::suspicious},
    CkRv{KMS_CKR(CKR_KEY_NOT_WRAPPABLE), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_KEY_UNEXTRACTABLE), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_MECHANISM_INVALID), unsupported, S::suspicious},
    CkRv{KMS_CKR(CKR_MECHANISM_PARAM_INVALID), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_OBJECT_HANDLE_INVALID), key_not_found, S::handle},
    CkRv{KMS_CKR(CKR_OPERATION_ACTIVE), device_error, S::session},
    CkRv{KMS_CKR(CKR_OPERATION_NOT_INITIALIZED), device_error, S::session},
    CkRv{KMS_CKR(CKR_PIN_INCORRECT), pin_incorrect, S::caller},
    CkRv{KMS_CKR(CKR_PIN_INVALID), pin_incorrect, S::caller},
    CkRv{KMS_CKR(CKR_PIN_LEN_RANGE), pin_incorrect, S::caller},
    CkRv{KMS_CKR(CKR_PIN_EXPIRED), pin_locked, S::caller},
    CkRv{KMS_CKR(CKR_PIN_LOCKED), pin_locked, S::caller},
    CkRv{KMS_CKR(CKR_SESSION_CLOSED), device_error, S::session},
    // The pool shrinks and waits. Elsewhere: another program took the place of a session being
    // opened again.
    CkRv{KMS_CKR(CKR_SESSION_COUNT), sessions_exhausted, S::session},
    CkRv{KMS_CKR(CKR_SESSION_HANDLE_INVALID), device_error, S::session},
    CkRv{KMS_CKR(CKR_SESSION_PARALLEL_NOT_SUPPORTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_SESSION_READ_ONLY), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_SESSION_EXISTS), other, S::caller},
    CkRv{KMS_CKR(CKR_SESSION_READ_ONLY_EXISTS), other, S::caller},
    CkRv{KMS_CKR(CKR_SESSION_READ_WRITE_SO_EXISTS), user_logged_in_elsewhere, S::caller},
    CkRv{KMS_CKR(CKR_SIGNATURE_INVALID), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_SIGNATURE_LEN_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_TEMPLATE_INCOMPLETE), unsupported, S::caller},
    // SoftHSM before 2.7.0 when a search runs beside a creation (its issue 573).
    CkRv{KMS_CKR(CKR_TEMPLATE_INCONSISTENT), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_TOKEN_NOT_PRESENT), token_absent, S::token},
    CkRv{KMS_CKR(CKR_TOKEN_NOT_RECOGNIZED), token_absent, S::token},
    CkRv{KMS_CKR(CKR_TOKEN_WRITE_PROTECTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_UNWRAPPING_KEY_HANDLE_INVALID), key_not_found, S::handle},
    CkRv{KMS_CKR(CKR_UNWRAPPING_KEY_SIZE_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_USER_ALREADY_LOGGED_IN), user_logged_in_elsewhere, S::caller},
    CkRv{KMS_CKR(CKR_USER_NOT_LOGGED_IN), device_error, S::token},
    CkRv{KMS_CKR(CKR_USER_PIN_NOT_INITIALIZED), pin_not_initialized, S::caller},
    CkRv{KMS_CKR(CKR_USER_TYPE_INVALID), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_USER_ANOTHER_ALREADY_LOGGED_IN), user_logged_in_elsewhere, S::caller},
    CkRv{KMS_CKR(CKR_USER_TOO_MANY_TYPES), user_logged_in_elsewhere, S::caller},
    CkRv{KMS_CKR(CKR_WRAPPED_KEY_INVALID), material_rejected, S::caller},
    CkRv{KMS_CKR(CKR_WRAPPED_KEY_LEN_RANGE), material_rejected, S::caller},
    CkRv{KMS_CKR(CKR_WRAPPING_KEY_HANDLE_INVALID), key_not_found, S::handle},
    CkRv{KMS_CKR(CKR_WRAPPING_KEY_SIZE_RANGE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_WRAPPING_KEY_TYPE_INCONSISTENT), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_RANDOM_SEED_NOT_SUPPORTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_RANDOM_NO_RNG), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_DOMAIN_PARAMS_INVALID), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_CURVE_NOT_SUPPORTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_BUFFER_TOO_SMALL), other, S::caller},
    CkRv{KMS_CKR(CKR_SAVED_STATE_INVALID), other, S::caller},
    CkRv{KMS_CKR(CKR_INFORMATION_SENSITIVE), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_STATE_UNSAVEABLE), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_CRYPTOKI_NOT_INITIALIZED), device_error, S::module},
    CkRv{KMS_CKR(CKR_CRYPTOKI_ALREADY_INITIALIZED), other, S::caller},
    CkRv{KMS_CKR(CKR_MUTEX_BAD), other, S::module},
    CkRv{KMS_CKR(CKR_MUTEX_NOT_LOCKED), other, S::module},
    CkRv{KMS_CKR(CKR_NEW_PIN_MODE), pin_locked, S::caller},
    CkRv{KMS_CKR(CKR_NEXT_OTP), pin_incorrect, S::caller},
    CkRv{KMS_CKR(CKR_EXCEEDED_MAX_ITERATIONS), other, S::caller},
    CkRv{KMS_CKR(CKR_FIPS_SELF_TEST_FAILED), device_error, S::token},
    CkRv{KMS_CKR(CKR_LIBRARY_LOAD_FAILED), module_not_loadable, S::caller},
    CkRv{KMS_CKR(CKR_PIN_TOO_WEAK), pin_incorrect, S::caller},
    CkRv{KMS_CKR(CKR_PUBLIC_KEY_INVALID), bad_argument, S::caller},
    CkRv{KMS_CKR(CKR_FUNCTION_REJECTED), unsupported, S::caller},
    CkRv{KMS_CKR(CKR_TOKEN_RESOURCE_EXCEEDED), device_error, S::caller},
    CkRv{KMS_CKR(CKR_OPERATION_CANCEL_FAILED), device_error, S::session},
};
#undef KMS_CKR
static_assert(std::ranges::is_sorted(kTable, {}, &CkRv::rv));

}  // namespace

std::span<const CkRv> ck_rv_table() noexcept { return kTable; }

CkRv describe(CK_RV rv) noexcept {
  if (rv == CKR_OK) return {CKR_OK, "CKR_OK", other, Severity::caller};
  const auto* const row = std::ranges::lower_bound(kTable, rv, {}, &CkRv::rv);
  if (row != kTable.end() && row->rv == rv) return *row;
  return {rv, rv >= CKR_VENDOR_DEFINED ? "CKR_VENDOR_DEFINED" : "unknown CK_RV", device_error,
          Severity::suspicious};
}

void raise(CK_RV rv, const char* function) {
  const CkRv row = describe(rv);
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), " (0x%lX)", rv);
  throw Error(row.failure, std::string(function) + ": " + row.name + number.data(), rv);
}

bool blames_ciphertext(CK_RV rv) noexcept {
  switch (rv) {
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_AEAD_DECRYPT_FAILED:
    case CKR_DATA_INVALID:
    case CKR_DATA_LEN_RANGE:
      return true;
    default:
      return false;
  }
}

bool may_blame_wrapped_key(CK_RV rv) noexcept {
  return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_KEY_SIZE_RANGE ||
         rv == CKR_MECHANISM_INVALID;
}

bool is_refusal(const Error& error) noexcept {
  if (error.failure() == Failure::unsupported) return true;
  if (error.failure() == Failure::material_rejected) return true;
  switch (error.rv()) {
    case CKR_OK:
    case CKR_HOST_MEMORY:
    case CKR_DEVICE_MEMORY:
    case CKR_TOKEN_RESOURCE_EXCEEDED:
      return false;
    default:
      break;
  }
  const Severity severity = describe(error.rv()).severity;
  return severity == Severity::caller || severity == Severity::suspicious;
}

}  // namespace pkcs11
