#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkcs11/cryptoki.h"
#include "pkcs11/mutex.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// The session objects that wrapped material was unwrapped to: the `most` used last. One that is
/// evicted is to be destroyed in the token once nobody uses it any more (take_evicted).
/// Thread-safe.
class MaterialCache final {
 private:
  class Evicted;

 public:
  /// An unwrapped key; alive in the token at least as long as somebody holds this.
  class Unwrapped final {
   public:
    Unwrapped(CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_key,
              std::shared_ptr<Evicted> evicted) noexcept
        : handle_(handle), public_key_(public_key), evicted_(std::move(evicted)) {}
    ~Unwrapped();
    Unwrapped(const Unwrapped&) = delete;
    Unwrapped& operator=(const Unwrapped&) = delete;
    Unwrapped(Unwrapped&&) = delete;
    Unwrapped& operator=(Unwrapped&&) = delete;
    [[nodiscard]] CK_OBJECT_HANDLE handle() const noexcept { return handle_; }
    /// Of a pair.
    [[nodiscard]] CK_OBJECT_HANDLE public_key() const noexcept { return public_key_; }

   private:
    friend class MaterialCache;
    const CK_OBJECT_HANDLE handle_;
    const CK_OBJECT_HANDLE public_key_;
    // Null once the token says that the object is gone: its handle may be another's by now. Where
    // that is only feared, what the handle then stands for may be destroyed: another session object
    // at worst, which its users miss, and unwrap anew.
    std::shared_ptr<Evicted> evicted_;
  };
  using Ref = std::shared_ptr<const Unwrapped>;

  explicit MaterialCache(std::size_t most);
  ~MaterialCache();
  MaterialCache(const MaterialCache&) = delete;
  MaterialCache& operator=(const MaterialCache&) = delete;
  MaterialCache(MaterialCache&&) = delete;
  MaterialCache& operator=(MaterialCache&&) = delete;

  /// Null if it is not there.
  [[nodiscard]] Ref find(const WrappedMaterial& material);
  Ref put(const WrappedMaterial& material, CK_OBJECT_HANDLE handle,
          CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE);
  /// Evicts it now.
  void drop(const WrappedMaterial& material);
  /// The object does not answer any more; `lost` is what was in use. `gone`: it is not to be
  /// destroyed either.
  void forget(const WrappedMaterial& material, const Ref& lost, bool gone);
  /// An object that nobody is to use: as if evicted.
  void discard(CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_key);
  /// Evicted objects that nobody uses: destroy them.
  [[nodiscard]] std::vector<CK_OBJECT_HANDLE> take_evicted();
  /// The objects died with the session that made them.
  void clear();
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    WrappedMaterial material;
    std::shared_ptr<Unwrapped> key;
  };
  struct Hash {
    std::size_t operator()(const WrappedMaterial* material) const noexcept;
  };
  struct Equal {
    bool operator()(const WrappedMaterial* a, const WrappedMaterial* b) const noexcept {
      return *a == *b;
    }
  };
  using Entries = std::list<Entry>;

  const std::size_t most_;
  mutable Mutex mutex_;
  Entries entries_ KMS_GUARDED_BY(mutex_);  // the one used last in front
  std::unordered_map<const WrappedMaterial*, Entries::iterator, Hash, Equal> index_
      KMS_GUARDED_BY(mutex_);
  std::shared_ptr<Evicted> evicted_ KMS_GUARDED_BY(mutex_);
};

}  // namespace pkcs11
