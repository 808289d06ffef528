#pragma once

#include <condition_variable>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "connector/storage/metadata_store.h"
#include "pkcs11/mutex.h"

namespace kms::storage {

/// A commit on its way; it lives on its caller's stack.
struct PendingCommit {
  std::span<const Change> changes;
  /// Set if it was refused; thrown by its own caller (an exception object would be shared by
  /// threads).
  std::optional<std::pair<Fault, std::string>> refusal;
  bool done = false;  // guarded by the queue's mutex
};

/// Group commit: the first caller leads and takes everybody who came meanwhile into one
/// transaction, so that many callers pay for one fsync.
class CommitQueue {
 public:
  using Work = std::function<void(std::span<PendingCommit* const>)>;
  /// `work` decides every commit handed to it; one call at a time; must not throw.
  explicit CommitQueue(Work work) : work_(std::move(work)) {}

  /// Returns when the changes are decided; throws Error if they were refused.
  void commit(std::span<const Change> changes);

 private:
  const Work work_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<PendingCommit*> waiting_ KMS_GUARDED_BY(mutex_);
  bool led_ KMS_GUARDED_BY(mutex_) = false;
};

}  // namespace kms::storage
