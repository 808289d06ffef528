#include "connector/jobs/rotate_due_keys.h"

#include <chrono>
#include <string>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "connector/operations/rotation.h"

namespace kms::jobs {
namespace {

bool is_due(const keys::KeyRecord& key, Timestamp now) {
  return key.rotation && key.rotation->next <= now && key.state == keys::StoredState::enabled &&
         !key.is_replica();
}

}  // namespace

void rotate_due_keys(const operations::Context& context, const StopFlag& stop) {
  const Timestamp now = context.clock.now();
  const auto due =
      context.store.find_keys([now](const keys::KeyRecord& key) { return is_due(key, now); });
  for (const keys::KeyPtr& key : due) {
    if (stop) return;
    try {
      const auto deadline =
          std::chrono::steady_clock::now() + context.config.limits.request_deadline;
      context.store.commit(
          operations::rotate(context, *key, api::RotationType::automatic, deadline));
      context.audit.outbox_grew();
    } catch (const api::Error& error) {
      // Its token does not answer; the next round tries again.
      log(LogLevel::warning, "jobs", "key " + key->arn() + " is not rotated: " + error.what());
    } catch (const storage::Error& error) {
      // A conflict: somebody changed the key just now, and the next round sees it as it then is.
      if (error.fault() != storage::Fault::conflict) throw;
    }
  }
}

}  // namespace kms::jobs
