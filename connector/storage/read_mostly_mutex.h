#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <shared_mutex>

#include "pkcs11/mutex.h"

namespace kms::storage {

/// A shared mutex for data that is read on every request and seldom written: a reader locks only
/// the stripe of its thread, so that readers on different processors write to no common cache line;
/// a writer locks all.
class KMS_CAPABILITY("shared mutex") ReadMostlyMutex {
 public:
  void lock() KMS_ACQUIRE() KMS_NO_THREAD_SAFETY_ANALYSIS {
    for (Stripe& stripe : stripes_) stripe.mutex.lock();
  }
  void unlock() KMS_RELEASE() KMS_NO_THREAD_SAFETY_ANALYSIS {
    for (Stripe& stripe : stripes_) stripe.mutex.unlock();
  }
  void lock_shared() KMS_ACQUIRE_SHARED() KMS_NO_THREAD_SAFETY_ANALYSIS { mine().lock_shared(); }
  void unlock_shared() KMS_RELEASE_SHARED() KMS_NO_THREAD_SAFETY_ANALYSIS {
    mine().unlock_shared();
  }

 private:
  static constexpr std::size_t kStripes = 16;
  struct alignas(64) Stripe {
    std::shared_mutex mutex;
  };

  std::shared_mutex& mine() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t stripe =
        threads.fetch_add(1, std::memory_order_relaxed) % kStripes;
    return stripes_[stripe].mutex;
  }

  std::array<Stripe, kStripes> stripes_;
};

class KMS_SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(ReadMostlyMutex& mutex) KMS_ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReadLock() KMS_RELEASE() { mutex_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;
  ReadLock(ReadLock&&) = delete;
  ReadLock& operator=(ReadLock&&) = delete;

 private:
  ReadMostlyMutex& mutex_;
};

class KMS_SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(ReadMostlyMutex& mutex) KMS_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriteLock() KMS_RELEASE() { mutex_.unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;
  WriteLock(WriteLock&&) = delete;
  WriteLock& operator=(WriteLock&&) = delete;

 private:
  ReadMostlyMutex& mutex_;
};

}  // namespace kms::storage
