#include "connector/jobs/delete_due_keys.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "connector/api/error.h"
#include "connector/base/encodings.h"
#include "connector/base/log.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/service_event.h"

namespace kms::jobs {
namespace {

using std::chrono::steady_clock;

// How long a custom key store's token is given; AWS promises no more than a best effort.
constexpr std::chrono::hours kPatience{24};

/// As TokenStatus names it.
const std::string& token_of(const keys::KeyRecord& key) {
  return key.custom_key_store_id.empty() ? key.scope.region : key.custom_key_store_id;
}

}  // namespace

KeyDeletion::KeyDeletion(const operations::Context& context, ClockGuard& guard)
    : context_(context), guard_(guard) {}

void KeyDeletion::run(const StopFlag& stop) {
  ready_.reset();
  const auto leaving = context_.store.find_keys([](const keys::KeyRecord& key) {
    return key.state == keys::StoredState::deleting ||
           (key.state == keys::StoredState::pending_deletion && key.deletion_date);
  });
  for (const keys::KeyPtr& key : leaving) {
    if (stop) return;
    const std::string arn = key->arn();
    const bool begun = key->state == keys::StoredState::deleting;
    if (!begun && !guard_.confirmed(arn, *key->deletion_date)) continue;
    const auto retry = retries_.find(arn);
    if (retry != retries_.end() && !retry->second.due()) continue;
    try {
      keys::KeyRecord record = *key;
      if (!begun) begin(record);
      guard_.done(arn);
      if (finish(std::move(record))) retries_.erase(arn);
    } catch (const api::Error& error) {
      put_off(*key, error.what());
    } catch (const storage::Error& error) {
      // A conflict means that somebody cancelled just now; the next round sees the record as it
      // then is.
      if (error.fault() != storage::Fault::conflict) throw;
    }
  }
}

void KeyDeletion::begin(keys::KeyRecord& key) {
  key.state = keys::StoredState::deleting;
  key.deletion_date = context_.clock.now();  // kPatience begins
  std::vector<storage::Change> intent{storage::Put<keys::KeyRecord>{key}};
  const auto aliases =
      context_.store.aliases_of_key(key.scope, key.id, "", std::numeric_limits<std::size_t>::max())
          .items;
  for (const keys::AliasPtr& alias : aliases) {
    intent.emplace_back(storage::Erase<keys::AliasRecord>{*alias});
  }
  operations::forget_replica(context_, key, intent,
                             steady_clock::now() + context_.config.limits.request_deadline);
  context_.store.commit(intent);
  ++key.version;
}

bool KeyDeletion::finish(keys::KeyRecord key) {
  std::vector<BackingKey> all = backing_keys(key);
  destroy(key, all);
  if (!std::ranges::all_of(all, &BackingKey::destroyed)) {
    if (may_come_back(key)) return false;
    log(LogLevel::error, "jobs", "objects of deleted key " + key.arn() + " stay in its token");
  }
  std::vector<storage::Change> changes;
  changes.emplace_back(storage::AppendAudit{event(key, all)});
  changes.emplace_back(storage::Erase<keys::KeyRecord>{std::move(key)});
  context_.store.commit(changes);
  context_.audit.outbox_grew();
  return true;
}

std::vector<KeyDeletion::BackingKey> KeyDeletion::backing_keys(const keys::KeyRecord& key) {
  std::vector<BackingKey> all;
  for (const keys::Material& material : key.materials) {
    for (const keys::Generation& generation : material.generations) {
      if (const auto* object = std::get_if<pkcs11::ObjectMaterial>(&generation.ref)) {
        all.push_back({.object = *object});
      }
    }
  }
  return all;
}

void KeyDeletion::destroy(const keys::KeyRecord& key, std::vector<BackingKey>& backing_keys) {
  for (BackingKey& backing_key : backing_keys) {
    // A token that is not well would hold up the keys of the others.
    if (!ready(key)) return;
    try {
      const auto store = context_.key_stores.of(key);
      store->destroy(backing_key.object,
                     steady_clock::now() + context_.config.limits.request_deadline);
      backing_key.destroyed = true;
    } catch (const api::Error& error) {
      put_off(key, error.what());
      ready_.reset();
    }
  }
}

bool KeyDeletion::may_come_back(const keys::KeyRecord& key) const {
  if (key.custom_key_store_id.empty()) return true;
  return context_.key_stores.available(key) &&
         context_.clock.now() - key.deletion_date.value_or(Timestamp{}) < kPatience;
}

std::string KeyDeletion::event(const keys::KeyRecord& key,
                               const std::vector<BackingKey>& backing_keys) const {
  audit::Record record = operations::service_event(context_, "DeleteKey", key);
  if (!key.custom_key_store_id.empty()) {
    std::string ids;
    std::string statuses;
    for (const BackingKey& backing_key : backing_keys) {
      const std::string id = R"({"backingKeyId":")" + to_hex(backing_key.object.id) + "\"";
      const std::string comma = ids.empty() ? "" : ",";
      ids += comma + id + "}";
      statuses += comma + id + R"(,"deletionStatus":")" +
                  (backing_key.destroyed ? "SUCCESS" : "FAILURE") + "\"}";
    }
    const keys::KeyStorePtr store = context_.store.key_store(key.scope, key.custom_key_store_id);
    // CloudTrail tells the last two as JSON in a string.
    record.additional_event_data = {
        {"customKeyStoreId", json_string(key.custom_key_store_id)},
        {"clusterId", json_string(store ? store->cluster_id : "")},
        {"backingKeys", json_string("[" + ids + "]")},
        {"backingKeysDeletionStatus", json_string("[" + statuses + "]")}};
  }
  return audit::to_json(record);
}

bool KeyDeletion::ready(const keys::KeyRecord& key) {
  if (!ready_) {
    ready_.emplace();
    for (const keystores::TokenStatus& token : context_.key_stores.status()) {
      if (token.ready) ready_->insert(token.name);
    }
  }
  return ready_->contains(token_of(key));
}

void KeyDeletion::put_off(const keys::KeyRecord& key, const std::string& why) {
  log(LogLevel::warning, "jobs", "key " + key.arn() + " is not deleted yet: " + why);
  retries_.try_emplace(key.arn(), context_.config.jobs.interval).first->second.failed();
}

}  // namespace kms::jobs
