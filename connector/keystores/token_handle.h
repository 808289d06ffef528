#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>

#include "connector/base/bytes.h"
#include "connector/keystores/token_watch.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// The place of a token that may not be there yet. Thread-safe; the token stays until close().
class TokenHandle {
 public:
  /// Once: it is never replaced. If it throws, the token is closed, and there is none yet.
  void set(std::unique_ptr<pkcs11::Token> token);
  /// Null while the token is absent.
  [[nodiscard]] pkcs11::Token* get() const noexcept {
    return published_.load(std::memory_order_acquire);
  }
  /// Waits for the token; throws pkcs11::Error{token_absent} at the deadline or after cancel().
  [[nodiscard]] pkcs11::Token& wait(pkcs11::Deadline deadline) const;
  /// See TokenWatch::examine(); false, with nothing filled in, while the token is absent.
  [[nodiscard]] bool examine(TokenStatus& status) const;
  /// Ends all waiting for good.
  void cancel();
  /// Logs out and forgets the token. Nobody may be using it.
  void close();

 private:
  mutable Mutex mutex_;
  mutable std::condition_variable changed_;
  std::unique_ptr<pkcs11::Token> token_ KMS_GUARDED_BY(mutex_);
  std::unique_ptr<TokenWatch> watch_ KMS_GUARDED_BY(mutex_);  // there as long as the token
  bool cancelled_ KMS_GUARDED_BY(mutex_) = false;
  // The hot path reads only this.
  std::atomic<pkcs11::Token*> published_{nullptr};
};

}  // namespace kms::keystores
