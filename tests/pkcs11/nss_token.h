#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pkcs11/cryptoki.h"
#include "pkcs11/module.h"
#include "pkcs11/module_mutex.h"
#include "tests/support/temp_dir.h"

namespace pkcs11 {

/// NSS softoken with a database of its own, whose user PIN is set before anything is loaded here.
/// Its first slot needs no login and keeps no objects: the token is in the second one. Only one at
/// a time.
struct NssToken {
  static constexpr std::string_view kUserPin = "user-of-nss";
  static constexpr const char* kLabel = "NSS Certificate DB";
  static constexpr CK_SLOT_ID kSlot = 2;

  NssToken() { set_user_pin(); }

  [[nodiscard]] TokenOptions options(std::string_view pin = kUserPin) const {
    TokenOptions options;
    options.selector.label = kLabel;
    options.pin = SecretBytes::copy_of(pin);
    return options;
  }
  static Deadline in_a_minute() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(60);
  }
  std::shared_ptr<Module> module() {
    return modules.load(KMS_NSS_MODULE, init_args(), in_a_minute());
  }
  std::unique_ptr<Token> open() { return module()->open(options(), in_a_minute()); }
  [[nodiscard]] std::string init_args() const {
    return "configdir='sql:" + directory.path().string() +
           "' certPrefix='' keyPrefix='' secmod='secmod.db' flags=noModDB";
  }

  kms::test::TempDir directory{"kms-nss"};
  Modules modules;

 private:
  void set_user_pin() const {
    const auto must = [](CK_RV rv, const char* what) {
      if (rv != CKR_OK) throw std::runtime_error(std::string("NSS: ") + what);
    };
    void* const library = ::dlopen(KMS_NSS_MODULE, RTLD_NOW | RTLD_LOCAL);
    must(library != nullptr ? CKR_OK : CKR_GENERAL_ERROR, "no module");
    CK_FUNCTION_LIST* nss = nullptr;
    must(reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&nss),
         "C_GetFunctionList");
    must(nss->C_Initialize(InitializeArgs(init_args()).get()), "C_Initialize");
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    must(nss->C_OpenSession(kSlot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session),
         "C_OpenSession");
    CK_BYTE nothing = 0;
    must(nss->C_Login(session, CKU_SO, &nothing, 0), "C_Login");
    std::string pin(kUserPin);
    must(nss->C_InitPIN(session, reinterpret_cast<CK_BYTE*>(pin.data()), pin.size()), "C_InitPIN");
    must(nss->C_Finalize(nullptr), "C_Finalize");
    ::dlclose(library);
  }
};

}  // namespace pkcs11
