#include "connector/jobs/expire_key_material.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "connector/keys/imported_material.h"
#include "connector/operations/imports.h"
#include "connector/operations/service_event.h"

namespace kms::jobs {
namespace {

bool expires(const keys::Material& material) {
  return keys::is_present(material) && material.imported->valid_to;
}

void expire(const operations::Context& context, const keys::KeyRecord& key, const std::string& id) {
  const auto commit = [&](std::vector<storage::Change> changes) {
    changes.emplace_back(storage::AppendAudit{
        audit::to_json(operations::service_event(context, "DeleteExpiredKeyMaterial", key))});
    context.store.commit(changes);
    context.audit.outbox_grew();
  };
  operations::delete_material(
      context, key, id, commit,
      std::chrono::steady_clock::now() + context.config.limits.request_deadline);
}

/// At most one of the key's materials: the next round sees the key as it then is.
void expire_one(const operations::Context& context, ClockGuard& guard, const keys::KeyRecord& key) {
  for (const keys::Material& material : key.materials) {
    if (!expires(material)) continue;
    const std::string name = key.arn() + " " + material.id;
    if (!guard.confirmed(name, *material.imported->valid_to)) continue;
    expire(context, key, material.id);
    guard.done(name);
    return;
  }
}

}  // namespace

void expire_key_material(const operations::Context& context, ClockGuard& guard,
                         const StopFlag& stop) {
  const auto holders = context.store.find_keys([](const keys::KeyRecord& key) {
    return key.origin == api::OriginType::external && key.visible() &&
           std::ranges::any_of(key.materials, expires);
  });
  for (const keys::KeyPtr& key : holders) {
    if (stop) return;
    try {
      expire_one(context, guard, *key);
    } catch (const storage::Error& error) {
      // A conflict means that the key has just changed; the next round sees how.
      if (error.fault() != storage::Fault::conflict) throw;
    } catch (const api::Error& error) {
      log(LogLevel::warning, "jobs",
          "the expired material of " + key->arn() + " is still there: " + error.what());
    }
  }
}

}  // namespace kms::jobs
