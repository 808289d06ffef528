#pragma once

#include <cstring>
#include <optional>
#include <unordered_map>

#include "pkcs11/cryptoki.h"
#include "pkcs11/mutex.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"

namespace pkcs11 {

inline constexpr const char* kCanaryLabel = "kms-connector canary";
inline constexpr const char* kKekLabel = "kms-connector kek";
inline constexpr const char* kTransportLabel = "kms-connector transport";

/// What a token object of ours is for.
enum class Role : std::uint8_t { key, key_encryption_key, canary, transport_key };

/// A token object as far as its use needs it.
struct TokenKey {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  std::optional<KeyKind> kind;  // unset: none that we use
  Role role = Role::key;
  /// Of a pair, once it was needed.
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
};

/// The id if the object is one of ours: a CKA_ID of 16 bytes.
[[nodiscard]] std::optional<ObjectId> object_id(const ObjectInfo& info);
[[nodiscard]] TokenKey token_key(const ObjectInfo& info);
/// For texts: an id is no secret.
[[nodiscard]] std::string to_hex(const ObjectId& id);

/// ObjectIds are random: any eight bytes are a hash.
struct ObjectIdHash {
  std::size_t operator()(const ObjectId& id) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, id.data(), sizeof hash);
    return hash;
  }
};

/// The handles of token objects during one login. Thread-safe.
class KeyCache final {
 public:
  [[nodiscard]] std::optional<TokenKey> find(const ObjectId& id) const;
  void put(const ObjectId& id, const TokenKey& key);
  /// The public part of the pair whose private part is `handle`.
  void put_public(const ObjectId& id, CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_key);
  /// Forgets the handle, unless a newer one has taken its place.
  void forget(const ObjectId& id, CK_OBJECT_HANDLE handle);
  void forget(const ObjectId& id);
  void clear();

 private:
  mutable Mutex mutex_;
  std::unordered_map<ObjectId, TokenKey, ObjectIdHash> keys_ KMS_GUARDED_BY(mutex_);
};

}  // namespace pkcs11
