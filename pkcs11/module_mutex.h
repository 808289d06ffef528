#pragma once

#include <string>

#include "pkcs11/cryptoki.h"

namespace pkcs11 {

/// What C_Initialize is told (PKCS#11 2.40, 5.4): that many threads call, and the mutexes that a
/// module may use instead of the system's own. Ours spin for some microseconds before they put
/// their thread to sleep: a module that takes locks often and not for long, as SoftHSM does, spends
/// more on waking those that wait than on its work.
class InitializeArgs final {
 public:
  /// `text`: for the vendor, "" if there is none.
  explicit InitializeArgs(const std::string& text);

  [[nodiscard]] void* get() noexcept { return &args_; }

 private:
  std::string text_;
  // NSS has a field for the text before the reserved one, so that its struct is longer by that.
  struct {
    CK_C_INITIALIZE_ARGS cryptoki{};
    void* reserved = nullptr;
  } args_;
};

}  // namespace pkcs11
