#pragma once

#include <condition_variable>
#include <cstdint>
#include <string>
#include <thread>

#include "connector/base/bytes.h"
#include "connector/keystores/key_stores.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Finds out how one token is, and makes a sick one recover, on a thread of its own: a token that
/// does not answer holds up nobody who asks. Thread-safe.
class TokenWatch {
 public:
  explicit TokenWatch(pkcs11::Token& token);
  /// Ends after the examination or recovery that is under way, with all its calls to the token.
  ~TokenWatch();
  TokenWatch(const TokenWatch&) = delete;
  TokenWatch& operator=(const TokenWatch&) = delete;

  /// Fills in `ready`, `detail` and `epoch`. Waits for one examination, which it shares with
  /// whoever else asks, but no longer than a second, and not at all for one that is overdue.
  void examine(TokenStatus& status);

 private:
  enum class Doing : std::uint8_t { nothing, examining, recovering };
  void run();
  /// False when it is time to end.
  [[nodiscard]] bool wait_until_asked();
  /// What ails the token; empty: nothing.
  [[nodiscard]] std::string fault() const;
  /// Whether the token is well.
  [[nodiscard]] bool tell(std::string fault);
  void recover() const;

  pkcs11::Token& token_;
  Mutex mutex_;
  std::condition_variable changed_;
  Doing doing_ KMS_GUARDED_BY(mutex_) = Doing::nothing;
  bool asked_ KMS_GUARDED_BY(mutex_) = false;
  bool overdue_ KMS_GUARDED_BY(mutex_) = false;  // somebody has waited for it in vain
  bool stopping_ KMS_GUARDED_BY(mutex_) = false;
  std::uint64_t examinations_ KMS_GUARDED_BY(mutex_) = 0;
  std::string fault_ KMS_GUARDED_BY(mutex_);  // that the latest found; empty: none
  std::thread thread_;
};

}  // namespace kms::keystores
