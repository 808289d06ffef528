#include "connector/keystores/token_handle.h"

#include <utility>

#include "pkcs11/error.h"

namespace kms::keystores {

void TokenHandle::set(std::unique_ptr<pkcs11::Token> token) {
  {
    const MutexLock lock(mutex_);
    token_ = std::move(token);
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

void TokenHandle::cancel() {
  {
    const MutexLock lock(mutex_);
    cancelled_ = true;
  }
  changed_.notify_all();
}

void TokenHandle::close() {
  std::unique_ptr<pkcs11::Token> token;
  {
    const MutexLock lock(mutex_);
    published_.store(nullptr, std::memory_order_release);
    token = std::move(token_);
  }
  // Logging out talks to the token: not under the lock.
}

}  // namespace kms::keystores
