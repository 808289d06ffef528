#include "connector/jobs/delete_due_keys.h"

#include <chrono>
#include <exception>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "connector/base/encodings.h"
#include "connector/base/log.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/service_event.h"

namespace kms::jobs {
namespace {

/// What became of the key's objects in a token; the words of CloudTrail's additionalEventData.
enum class Destroyed { nothing_to_destroy, success, failure };

Destroyed destroy_objects(const operations::Context& context, const keys::KeyRecord& key) {
  auto result = Destroyed::nothing_to_destroy;
  for (const keys::Material& material : key.materials) {
    for (const keys::Generation& generation : material.generations) {
      if (!std::holds_alternative<pkcs11::ObjectMaterial>(generation.ref)) continue;
      if (result == Destroyed::nothing_to_destroy) result = Destroyed::success;
      try {
        const auto deadline =
            std::chrono::steady_clock::now() + context.config.limits.request_deadline;
        const auto store = key.custom_key_store_id.empty()
                               ? context.key_stores.region(key.scope.region)
                               : context.key_stores.custom(key.scope, key.custom_key_store_id);
        store->destroy(generation.ref, deadline);
      } catch (const std::exception& error) {
        log(LogLevel::warning, "jobs",
            "the token object of deleted key " + key.arn() + " is left behind: " + error.what());
        result = Destroyed::failure;
      }
    }
  }
  return result;
}

std::string delete_event(const operations::Context& context, const keys::KeyRecord& key,
                         Destroyed destroyed) {
  audit::Record record = operations::service_event(context, "DeleteKey", key);
  if (!key.custom_key_store_id.empty()) {
    const keys::KeyStorePtr store = context.store.key_store(key.scope, key.custom_key_store_id);
    record.additional_event_data = {
        {"customKeyStoreId", json_string(key.custom_key_store_id)},
        {"clusterId", json_string(store ? store->cluster_id : "")},
        {"backingKeysDeletionStatus",
         destroyed == Destroyed::failure ? "\"FAILURE\"" : "\"SUCCESS\""}};
  }
  return audit::to_json(record);
}

/// The key and its aliases disappear for callers in the commit of the intent; what follows is
/// nobody's business but the token's.
void delete_key(const operations::Context& context, keys::KeyRecord key) {
  if (key.state != keys::StoredState::deleting) {
    key.state = keys::StoredState::deleting;
    std::vector<storage::Change> intent{storage::Put<keys::KeyRecord>{key}};
    const auto aliases =
        context.store.aliases_of_key(key.scope, key.id, "", std::numeric_limits<std::size_t>::max())
            .items;
    for (const keys::AliasPtr& alias : aliases) {
      intent.emplace_back(storage::Erase<keys::AliasRecord>{*alias});
    }
    const auto deadline = std::chrono::steady_clock::now() + context.config.limits.request_deadline;
    operations::forget_replica(context, key, intent, deadline);
    context.store.commit(intent);
    ++key.version;
  }
  const Destroyed destroyed = destroy_objects(context, key);
  std::vector<storage::Change> changes;
  changes.emplace_back(storage::AppendAudit{delete_event(context, key, destroyed)});
  changes.emplace_back(storage::Erase<keys::KeyRecord>{std::move(key)});
  context.store.commit(changes);
  context.audit.outbox_grew();
}

}  // namespace

void delete_due_keys(const operations::Context& context, ClockGuard& guard) {
  const auto leaving = context.store.find_keys([](const keys::KeyRecord& key) {
    return key.state == keys::StoredState::deleting ||
           (key.state == keys::StoredState::pending_deletion && key.deletion_date);
  });
  for (const keys::KeyPtr& key : leaving) {
    const bool begun = key->state == keys::StoredState::deleting;
    if (!begun && !guard.confirmed(key->arn(), *key->deletion_date)) continue;
    try {
      delete_key(context, *key);
    } catch (const storage::Error& error) {
      // A conflict means that somebody cancelled just now; the next round sees the record as it
      // then is.
      if (error.fault() != storage::Fault::conflict) throw;
    }
  }
}

}  // namespace kms::jobs
