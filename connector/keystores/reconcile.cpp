#include "connector/keystores/reconcile.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <utility>
#include <variant>

#include "connector/base/encodings.h"
#include "connector/base/log.h"
#include "connector/keystores/generations.h"

namespace kms::keystores {
namespace {

void for_each_object(
    const keys::Material& material,
    const std::function<void(const keys::Generation&, const pkcs11::ObjectMaterial&)>& visit) {
  for (const keys::Generation& generation : material.generations) {
    const auto* object = std::get_if<pkcs11::ObjectMaterial>(&generation.ref);
    if (object != nullptr) visit(generation, *object);
  }
}

std::vector<keys::Material> unfinished(const keys::KeyRecord& key, Timestamp before) {
  std::vector<keys::Material> found;
  std::ranges::copy_if(key.materials, std::back_inserter(found), [&](const auto& material) {
    return material.created < before && keys::is_unfinished(key, material);
  });
  return found;
}

std::string still_there(const keys::KeyRecord& key) {
  return "unused objects of key " + key.arn() + " are still in its token: ";
}

std::string token_of_region(const std::string& region) { return "the token of " + region; }

}  // namespace

bool is_in(const keys::KeyRecord& key, const Scope& scope, const std::string& store_id) {
  return key.scope.region == scope.region && key.custom_key_store_id == store_id &&
         (store_id.empty() || key.scope == scope);
}

bool has_unfinished(const keys::KeyRecord& key, Timestamp before) {
  return key.state != keys::StoredState::deleting && !unfinished(key, before).empty();
}

bool drop_unfinished(storage::MetadataStore& store, keys::KeyRecord key, Timestamp before,
                     pkcs11::Token& token, pkcs11::Deadline deadline) {
  const auto commit = [&](const storage::Change& change) { store.commit({&change, 1}); };
  try {
    // Whoever should still be making it cannot commit it after this.
    commit(storage::Put<keys::KeyRecord>{key});
    ++key.version;
    const std::vector<keys::Material> dropped = unfinished(key, before);
    for (const keys::Material& material : dropped) {
      for_each_object(material, [&](const auto&, const pkcs11::ObjectMaterial& object) {
        (void)token.destroy_object(object.id, deadline);
      });
      std::erase(key.materials, material);
    }
    if (key.state == keys::StoredState::creating) {
      commit(storage::Erase<keys::KeyRecord>{key});
    } else {
      commit(storage::Put<keys::KeyRecord>{key});
    }
    return true;
  } catch (const storage::Error& error) {
    // A conflict: somebody changed the key just now, and the next round sees it as it then is.
    if (error.fault() == storage::Fault::conflict) return false;
    log(LogLevel::warning, "keystores", still_there(key) + error.what());
  } catch (const pkcs11::Error& error) {
    log(LogLevel::warning, "keystores", still_there(key) + error.what());
  }
  return false;
}

std::vector<std::string> missing_wrapping_keys(const storage::MetadataStore& store,
                                               const std::string& region, pkcs11::Token& token,
                                               pkcs11::Deadline deadline) {
  std::map<pkcs11::ObjectId, std::size_t> keys;  // how many need it
  for (const keys::KeyPtr& key : store.find_keys([&](const keys::KeyRecord& one) {
         return one.scope.region == region && one.visible();
       })) {
    std::set<pkcs11::ObjectId> needed;
    for (const keys::Material& material : key->materials) {
      for (const keys::Generation& generation : material.generations) {
        const auto* wrapped = std::get_if<pkcs11::WrappedMaterial>(&generation.ref);
        if (wrapped != nullptr) needed.insert(wrapped->kek);
      }
    }
    for (const pkcs11::ObjectId& id : needed) ++keys[id];
  }
  std::vector<std::string> lines;
  for (const auto& [id, count] : keys) {
    if (token.has_object(id, deadline)) continue;
    lines.push_back("key-encryption key " + to_hex(id) + " of " + std::to_string(count) +
                    " keys is missing in " + token_of_region(region));
  }
  return lines;
}

Reconciliation::Reconciliation(const storage::MetadataStore& store) : store_(store) {
  note_records();
}

void Reconciliation::note_records() {
  for (const keys::KeyPtr& key : store_.find_keys([](const keys::KeyRecord&) { return true; })) {
    for (const keys::Material& material : key->materials) {
      for_each_object(material, [this](const auto&, const pkcs11::ObjectMaterial& object) {
        recorded_.insert(object.id);
      });
    }
  }
}

void Reconciliation::check(const Scope& scope, const std::string& store_id, pkcs11::Token& token,
                           pkcs11::Deadline deadline) {
  const std::string where = store_id.empty() ? token_of_region(scope.region)
                                             : "the token of custom key store " + store_id;
  // An answer of a token that is not well means nothing.
  token.check_health(deadline);
  const auto is_here = [&](const keys::KeyRecord& key) { return is_in(key, scope, store_id); };
  // Keys are made meanwhile. What is recorded before the objects are listed must be among them, and
  // what is listed must be recorded by now: the record of an object comes before it.
  const std::vector<keys::KeyPtr> keys = store_.find_keys(is_here);
  const std::vector<pkcs11::TokenObject> objects = token.objects(deadline);
  note_records();
  if (store_id.empty()) {
    std::ranges::move(missing_wrapping_keys(store_, scope.region, token, deadline),
                      std::back_inserter(losses_));
  }
  std::set<pkcs11::ObjectId> present;
  for (const pkcs11::TokenObject& object : objects) {
    present.insert(object.id);
    if (recorded_.contains(object.id)) continue;
    lines_.push_back("object " + to_hex(object.id) + " (\"" + object.label + "\") in " + where +
                     " belongs to no key");
  }
  for (const keys::KeyPtr& key : keys) {
    switch (key->state) {
      case keys::StoredState::creating:
      case keys::StoredState::deleting:
        // On its way; there are jobs for what does not get to its end.
        break;
      case keys::StoredState::enabled:
      case keys::StoredState::disabled:
      case keys::StoredState::pending_deletion:
      case keys::StoredState::pending_replica_deletion:
      case keys::StoredState::pending_import:
        check_key(*key, present, where);
        break;
    }
  }
}

void Reconciliation::check_key(const keys::KeyRecord& key,
                               const std::set<pkcs11::ObjectId>& present,
                               const std::string& where) {
  for (const keys::Material& material : key.materials) {
    if (keys::is_unfinished(key, material)) continue;  // there is a job for it
    for_each_object(material, [&](const keys::Generation& generation,
                                  const pkcs11::ObjectMaterial& object) {
      // Recorded, but not made yet: the next use makes it.
      if (present.contains(object.id) || unmade(material) == &generation) return;
      lines_.push_back("object " + to_hex(object.id) + " of key " + key.arn() + " (generation " +
                       std::to_string(generation.number) + ") is missing in " + where);
    });
  }
}

}  // namespace kms::keystores
