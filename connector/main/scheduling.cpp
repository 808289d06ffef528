#include "connector/main/scheduling.h"

#include <sched.h>

namespace kms {

void let_threads_finish() noexcept {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  const sched_param same_priority{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &same_priority);
}

}  // namespace kms
