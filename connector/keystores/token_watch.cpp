#include "connector/keystores/token_watch.h"

#include <array>
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
  // Any operation recovers the token within its deadline; this is the one that costs least.
  std::array<std::uint8_t, 1> byte{};
  try {
    token.random(byte, Clock::now() + kRecovery);
  } catch (const pkcs11::Error& error) {
    log(LogLevel::warning, "keystores", std::string("not recovered: ") + error.what());
  }
}

}  // namespace kms::keystores
