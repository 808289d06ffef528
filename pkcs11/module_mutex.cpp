#include "pkcs11/module_mutex.h"

#include <pthread.h>

#include <cstdlib>

namespace pkcs11 {
namespace {

CK_RV create(void** mutex) noexcept {
  // From malloc(), as SoftHSM's own are: it makes some before C_Initialize, and destroys them by
  // the functions of then.
  auto* const created = static_cast<pthread_mutex_t*>(std::malloc(sizeof(pthread_mutex_t)));
  if (created == nullptr) return CKR_HOST_MEMORY;
  *created = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
  *mutex = created;
  return CKR_OK;
}

CK_RV destroy(void* mutex) noexcept {
  const int error = ::pthread_mutex_destroy(static_cast<pthread_mutex_t*>(mutex));
  std::free(mutex);
  return error == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

CK_RV lock(void* mutex) noexcept {
  return ::pthread_mutex_lock(static_cast<pthread_mutex_t*>(mutex)) == 0 ? CKR_OK
                                                                         : CKR_GENERAL_ERROR;
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
