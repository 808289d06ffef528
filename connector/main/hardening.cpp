#include "connector/main/hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "pkcs11/secret_bytes.h"

namespace kms {

std::vector<std::string> harden_process(std::size_t secret_heap) {
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& what) {
    warnings.push_back(what + ": " + std::generic_category().message(errno));
  };
  ::umask(077);
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) warn("core dumps cannot be forbidden");
#if !defined(KMS_SANITIZED)
  // LeakSanitizer traces its own process, which this forbids.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) warn("PR_SET_DUMPABLE cannot be cleared");
#endif
  if (!pkcs11::reserve_secret_heap(secret_heap)) {
    warnings.emplace_back(
        "memory for secrets cannot be locked and may be swapped out (RLIMIT_MEMLOCK)");
  }
  return warnings;
}

}  // namespace kms
