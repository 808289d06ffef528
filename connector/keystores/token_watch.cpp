#include "connector/keystores/token_watch.h"

#include <chrono>

#include "connector/base/log.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kExamination{500};
constexpr std::chrono::seconds kRecovery{5};

}  // namespace

void examine(pkcs11::Token& token, TokenStatus& status) {
  status.epoch = token.epoch();
  try {
    token.check_health(Clock::now() + kExamination);
    status.ready = true;
  } catch (const pkcs11::Error& error) {
    status.ready = false;
    status.detail = pkcs11::name(error.failure());
  }
}

void recover(pkcs11::Token& token) {
  // A search that finds nothing makes sure of login and token. Random bytes come without a login.
  try {
    (void)token.has_object(pkcs11::ObjectId{}, Clock::now() + kRecovery);
  } catch (const pkcs11::Error& error) {
    log(LogLevel::warning, "keystores", std::string("not recovered: ") + error.what());
  }
}

}  // namespace kms::keystores
