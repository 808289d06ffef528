#include "connector/storage/commit_queue.h"

namespace kms::storage {

void CommitQueue::commit(std::span<const Change> changes) {
  PendingCommit own{.changes = changes, .refusal = std::nullopt, .done = false};
  std::vector<PendingCommit*> batch;
  {
    MutexLock lock(mutex_);
    waiting_.push_back(&own);
    while (led_ && !own.done) lock.wait(changed_);
    if (!own.done) {
      led_ = true;
      batch.swap(waiting_);
    }
  }
  if (!batch.empty()) {
    work_(batch);
    {
      MutexLock lock(mutex_);
      for (PendingCommit* const pending : batch) pending->done = true;
      led_ = false;
    }
    changed_.notify_all();
  }
  if (own.refusal) throw Error(own.refusal->first, own.refusal->second);
}

}  // namespace kms::storage
