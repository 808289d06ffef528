#include "pkcs11/module_mutex.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdlib>

namespace pkcs11 {
namespace {

CK_RV create(void** mutex) noexcept {
  // From malloc(), as SoftHSM's own are: it makes some before C_Initialize, and destroys them by
  // the functions of then.
  auto* const created = static_cast<pthread_mutex_t*>(std::malloc(sizeof(pthread_mutex_t)));
  if (created == nullptr) return CKR_HOST_MEMORY;
  *created = PTHREAD_MUTEX_INITIALIZER;
  *mutex = created;
  return CKR_OK;
}

CK_RV destroy(void* mutex) noexcept {
  const int error = ::pthread_mutex_destroy(static_cast<pthread_mutex_t*>(mutex));
  std::free(mutex);
  return error == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

/// Tells the processor that this is a loop that waits.
void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/// In all some 10 us of looking again, ever more rarely: about what it costs to sleep and to be
/// woken.
bool lock_soon(pthread_mutex_t* mutex) noexcept {
  constexpr int kLongest = 256;
  static const bool alone = ::sysconf(_SC_NPROCESSORS_ONLN) == 1;  // the holder cannot go on then
  if (alone) return false;
  for (int times = 1; times <= kLongest; times *= 2) {
    if (::pthread_mutex_trylock(mutex) == 0) return true;
    for (int i = 0; i < times; ++i) relax();
  }
  return false;
}

CK_RV lock(void* mutex) noexcept {
  auto* const locked = static_cast<pthread_mutex_t*>(mutex);
  return lock_soon(locked) || ::pthread_mutex_lock(locked) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

CK_RV unlock(void* mutex) noexcept {
  return ::pthread_mutex_unlock(static_cast<pthread_mutex_t*>(mutex)) == 0 ? CKR_OK
                                                                           : CKR_MUTEX_NOT_LOCKED;
}

}  // namespace

InitializeArgs::InitializeArgs(const std::string& text) : text_(text) {
  args_.cryptoki.CreateMutex = create;
  args_.cryptoki.DestroyMutex = destroy;
  args_.cryptoki.LockMutex = lock;
  args_.cryptoki.UnlockMutex = unlock;
  args_.cryptoki.flags = CKF_OS_LOCKING_OK;
  if (!text_.empty()) args_.cryptoki.pReserved = text_.data();
}

}  // namespace pkcs11
