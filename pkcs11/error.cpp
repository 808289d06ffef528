#include "pkcs11/error.h"

namespace pkcs11 {

const char* name(Failure failure) noexcept {
  switch (failure) {
    case Failure::module_not_loadable:
      return "module_not_loadable";
    case Failure::token_not_found:
      return "token_not_found";
    case Failure::token_ambiguous:
      return "token_ambiguous";
    case Failure::token_absent:
      return "token_absent";
    case Failure::device_error:
      return "device_error";
    case Failure::pin_incorrect:
      return "pin_incorrect";
    case Failure::pin_locked:
      return "pin_locked";
    case Failure::pin_not_initialized:
      return "pin_not_initialized";
    case Failure::user_logged_in_elsewhere:
      return "user_logged_in_elsewhere";
    case Failure::sessions_exhausted:
      return "sessions_exhausted";
    case Failure::deadline_exceeded:
      return "deadline_exceeded";
    case Failure::key_not_found:
      return "key_not_found";
    case Failure::unsupported:
      return "unsupported";
    case Failure::material_rejected:
      return "material_rejected";
    case Failure::bad_argument:
      return "bad_argument";
    case Failure::other:
      return "other";
  }
  return "other";
}

}  // namespace pkcs11
