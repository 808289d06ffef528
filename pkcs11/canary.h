#pragma once

#include <memory>
#include <optional>

#include "pkcs11/mutex.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// A key of ours and something encrypted under it: as long as the token decrypts that, it is the
/// ciphertext and not the token that is at fault. Thread-safe.
class Canary final {
 public:
  /// The key, for this login. `id`: of the token object; nullopt for a session key.
  void adopt(CK_OBJECT_HANDLE key, std::optional<ObjectId> id);
  /// Encrypts something with it.
  void seal(Session& session, GcmIv mode);
  void forget();
  [[nodiscard]] std::optional<ObjectId> id() const;
  [[nodiscard]] CK_OBJECT_HANDLE key() const;
  /// Throws Error{device_error} unless the token decrypts it. A token without AES-GCM has nothing
  /// to prove.
  void prove(Session& session) const;

 private:
  struct State {
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    std::optional<ObjectId> id;
    std::optional<GcmCiphertext> sealed;
  };
  [[nodiscard]] std::shared_ptr<const State> state() const;

  mutable Mutex mutex_;
  std::shared_ptr<const State> state_ KMS_GUARDED_BY(mutex_) = std::make_shared<State>();
};

}  // namespace pkcs11
