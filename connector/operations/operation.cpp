#include "connector/operations/operation.h"

#include "connector/api/error.h"

namespace kms::operations {

SecretBytes retry_conflicts(Call& call, SecretBytes (*attempt)(Call&, const void*),
                            const void* request) {
  constexpr int kAttempts = 8;
  for (int tried = 1;; ++tried) {
    try {
      return attempt(call, request);
    } catch (const storage::Error& error) {
      if (error.fault() != storage::Fault::conflict || tried == kAttempts) throw;
      call.record().resources.clear();
      call.record().decisions.clear();
    }
  }
}

}  // namespace kms::operations
