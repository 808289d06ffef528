#pragma once

#include <condition_variable>
#include <mutex>

// Clang's thread-safety analysis; the macros are empty for g++.
#if defined(__clang__)
#define KMS_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define KMS_THREAD_ATTRIBUTE(x)
#endif
#define KMS_CAPABILITY(x) KMS_THREAD_ATTRIBUTE(capability(x))
#define KMS_SCOPED_CAPABILITY KMS_THREAD_ATTRIBUTE(scoped_lockable)
#define KMS_GUARDED_BY(x) KMS_THREAD_ATTRIBUTE(guarded_by(x))
#define KMS_PT_GUARDED_BY(x) KMS_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define KMS_REQUIRES(...) KMS_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define KMS_REQUIRES_SHARED(...) KMS_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define KMS_ACQUIRE(...) KMS_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define KMS_ACQUIRE_SHARED(...) KMS_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define KMS_RELEASE(...) KMS_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define KMS_RELEASE_SHARED(...) KMS_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define KMS_RELEASE_GENERIC(...) KMS_THREAD_ATTRIBUTE(release_generic_capability(__VA_ARGS__))
#define KMS_EXCLUDES(...) KMS_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define KMS_NO_THREAD_SAFETY_ANALYSIS KMS_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace pkcs11 {

/// std::mutex that the thread-safety analysis understands.
class KMS_CAPABILITY("mutex") Mutex {
 public:
  void lock() KMS_ACQUIRE() { mutex_.lock(); }
  void unlock() KMS_RELEASE() { mutex_.unlock(); }
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope. wait()/wait_until() release it meanwhile, as a condition variable
/// does; re-check the condition in a loop around them.
class KMS_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) KMS_ACQUIRE(mutex) : lock_(mutex.native()) {}
  ~MutexLock() KMS_RELEASE() = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  MutexLock(MutexLock&&) = delete;
  MutexLock& operator=(MutexLock&&) = delete;

  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  template <class TimePoint>
  std::cv_status wait_until(std::condition_variable& condition, const TimePoint& deadline) {
    return condition.wait_until(lock_, deadline);
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace pkcs11
