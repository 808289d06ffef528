#include "connector/keystores/token_handle.h"

#include <utility>

#include "pkcs11/error.h"

namespace kms::keystores {

void TokenHandle::set(std::unique_ptr<pkcs11::Token> token) {
  // It starts a thread. If there is none to be had, the token goes again.
  auto watch = std::make_unique<TokenWatch>(*token);
  {
    const MutexLock lock(mutex_);
    token_ = std::move(token);
    watch_ = std::move(watch);
    published_.store(token_.get(), std::memory_order_release);
  }
  changed_.notify_all();
}

pkcs11::Token& TokenHandle::wait(pkcs11::Deadline deadline) const {
  if (pkcs11::Token* token = get()) return *token;
  MutexLock lock(mutex_);
  while (!token_ && !cancelled_) {
    if (lock.wait_until(changed_, deadline) == std::cv_status::timeout) break;
  }
  if (!token_)
    throw pkcs11::Error(pkcs11::Failure::token_absent, "the token has not been opened yet");
  return *token_;
}

bool TokenHandle::examine(TokenStatus& status) const {
  TokenWatch* watch = nullptr;
  {
    const MutexLock lock(mutex_);
    watch = watch_.get();
  }
  if (watch != nullptr) watch->examine(status);
  return watch != nullptr;
}

void TokenHandle::cancel() {
  {
    const MutexLock lock(mutex_);
    cancelled_ = true;
  }
  changed_.notify_all();
}

void TokenHandle::close() {
  std::unique_ptr<pkcs11::Token> token;
  std::unique_ptr<TokenWatch> watch;  // goes first
  {
    const MutexLock lock(mutex_);
    published_.store(nullptr, std::memory_order_release);
    watch = std::move(watch_);
    token = std::move(token_);
  }
  // Logging out talks to the token: not under the lock.
}

}  // namespace kms::keystores
