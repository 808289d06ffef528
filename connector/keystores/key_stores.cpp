#include "connector/keystores/key_stores.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "connector/base/retry.h"
#include "connector/keystores/clusters.h"
#include "connector/keystores/custom_stores.h"
#include "connector/keystores/pin_refusals.h"
#include "connector/keystores/reconcile.h"
#include "connector/keystores/region_tokens.h"
#include "connector/keystores/related_keys.h"
#include "connector/keystores/sealed_password.h"
#include "connector/keystores/session_key.h"
#include "connector/keystores/store_error.h"
#include "connector/keystores/store_rules.h"
#include "connector/keystores/token_error.h"
#include "connector/keystores/token_key_store.h"

namespace kms::keystores {
namespace {

using State = api::ConnectionStateType;

// How long start() waits for tokens that are slow, or not there.
constexpr std::chrono::milliseconds kPatience{2000};
// By how much a creation may outlast its deadline; one that takes longer fails.
constexpr std::chrono::minutes kCreationMargin{1};
constexpr std::size_t kIdHexDigits = 17;

std::string make_store_id(Random& random) {
  return "cks-" + make_hex_id(random, kIdHexDigits / 2 + 1).substr(0, kIdHexDigits);
}

}  // namespace

struct KeyStores::Impl {
  Impl(const config::Config& configuration, pkcs11::Modules& all_modules,
       storage::MetadataStore& metadata, const Clock& time, Random& randomness)
      : config(configuration),
        modules(all_modules),
        store(metadata),
        clock(time),
        random(randomness),
        started(clock.now()),
        pin_refusals(std::make_shared<StoredPinRefusals>(
            metadata, pin_hash_key_file(configuration.storage.sqlite))),
        invocations(metadata, configuration.limits.invocations_per_generation),
        generations(metadata),
        related_keys(metadata, regions),
        shared{.store = metadata,
               .invocations = invocations,
               .generations = generations,
               .related_keys = related_keys,
               .random = randomness},
        regions(configuration, all_modules, pin_refusals, shared),
        customs(configuration, all_modules, metadata, regions, pin_refusals, shared),
        rules(configuration, all_modules, metadata) {}

  [[nodiscard]] keys::KeyStorePtr record(const Scope& scope, const std::string& id) const {
    keys::KeyStorePtr found = store.key_store(scope, id);
    if (!found) throw store_not_found();
    return found;
  }
  /// A disconnected store with the same properties, or null.
  [[nodiscard]] keys::KeyStorePtr same_store(const Scope& scope, const NewStore& request,
                                             Deadline deadline);
  [[nodiscard]] keys::SealedSecret seal(const Scope& scope, const std::string& id,
                                        const SecretString& password, Deadline deadline) {
    return translated(TokenRole::region, [&] {
      return seal_password(regions.token(scope.region, deadline), scope, id, password, deadline);
    });
  }

  /// Calls it for each open token, of a Region with an empty id.
  void for_each_open(const std::function<void(const Scope&, const std::string& id,
                                              const TokenHandle&)>& visit) const {
    regions.for_each_open([&](const std::string& region, const TokenHandle& handle) {
      visit({.account = {}, .region = region}, {}, handle);
    });
    customs.for_each_open(visit);
  }
  /// Whether `look` came to its end. A token that is not well is not waited for: the others, and
  /// whoever asked, have to go on.
  static bool if_well(const std::string& name, const TokenHandle& handle,
                      const std::function<void(pkcs11::Token&)>& look) {
    TokenStatus status;
    if (!handle.examine(status) || !status.ready) return false;
    try {
      look(*handle.get());
      return true;
    } catch (const pkcs11::Error& error) {
      log(LogLevel::warning, "keystores", name + " not looked through: " + error.what());
      return false;
    }
  }

  const config::Config& config;
  pkcs11::Modules& modules;
  storage::MetadataStore& store;
  const Clock& clock;
  Random& random;
  const Timestamp started;
  const std::shared_ptr<StoredPinRefusals> pin_refusals;
  Invocations invocations;
  Generations generations;
  const RelatedKeys related_keys;
  const TokenKeyStore::Shared shared;
  RegionTokens regions;
  CustomStores customs;
  const StoreRules rules;
  /// Held while a name or a cluster is taken.
  Mutex taking;
  Retry drop{std::chrono::seconds(1)};  // the one caller's of drop_unfinished()
};

KeyStores::KeyStores(const config::Config& config, pkcs11::Modules& modules,
                     storage::MetadataStore& store, const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(config, modules, store, clock, random)) {}

KeyStores::~KeyStores() { stop(); }

void KeyStores::start() {
  impl_->regions.start(kPatience);
  impl_->customs.start(kPatience);
}

void KeyStores::stop() {
  // Who connects may be waiting for its Region's token, and must not take our stopping for a
  // failure of its own.
  impl_->customs.cancel();
  impl_->regions.cancel();
  impl_->customs.stop();
  impl_->regions.stop();
}

std::shared_ptr<KeyStore> KeyStores::of(const keys::KeyRecord& key) {
  if (key.custom_key_store_id.empty()) return region(key.scope.region);
  if (!available(key)) throw key_unavailable(key.arn());
  auto found = impl_->customs.key_store(key.scope, key.custom_key_store_id);
  // It is on its way to another state just now.
  if (!found) throw key_unavailable(key.arn());
  return found;
}

std::shared_ptr<KeyStore> KeyStores::region(const std::string& region) {
  return impl_->regions.key_store(region);
}

std::shared_ptr<KeyStore> KeyStores::custom(const Scope& scope, const std::string& id) {
  const keys::KeyStorePtr record = impl_->record(scope, id);
  if (record->state != State::connected) throw store_invalid_state();
  auto found = impl_->customs.key_store(scope, id);
  if (!found) throw store_invalid_state();
  return found;
}

std::vector<keys::KeyRecord> KeyStores::following(const keys::KeyRecord& key, Deadline deadline) {
  return translated(TokenRole::region,
                    [&] { return impl_->related_keys.following(key, deadline); });
}

void KeyStores::replicate(keys::KeyRecord& primary, keys::KeyRecord& replica, Deadline deadline) {
  translated(TokenRole::region, [&] { impl_->related_keys.replicate(primary, replica, deadline); });
}

SecretBytes KeyStores::session_mac(ByteView message, Deadline deadline) {
  const std::string& region = impl_->config.default_region;
  (void)impl_->regions.key_store(region);  // an absent token is not waited for
  return translated(TokenRole::region, [&] {
    return keystores::session_mac(impl_->regions.token(region, deadline), region, impl_->store,
                                  impl_->clock, message, deadline);
  });
}

bool KeyStores::available(const keys::KeyRecord& key) const {
  if (key.custom_key_store_id.empty()) return true;
  const keys::KeyStorePtr record = impl_->store.key_store(key.scope, key.custom_key_store_id);
  return record && record->state == State::connected;
}

keys::KeyStorePtr KeyStores::Impl::same_store(const Scope& scope, const NewStore& request,
                                              Deadline deadline) {
  for (const keys::KeyStorePtr& other : store.key_stores(&scope)) {
    if (other->name != request.name || other->cluster_id != request.cluster_id) continue;
    if (other->type != api::CustomKeyStoreType::aws_cloudhsm || other->state != State::disconnected)
      return nullptr;
    const auto theirs = certificate_der(other->trust_anchor);
    if (!theirs || theirs != certificate_der(request.trust_anchor)) return nullptr;
    const SecretBytes password = translated(TokenRole::region, [&] {
      return open_password(regions.token(scope.region, deadline), *other, deadline);
    });
    return password.equals(request.password.bytes().view()) ? other : nullptr;
  }
  return nullptr;
}

std::string KeyStores::create(const Scope& scope, NewStore request, Deadline deadline,
                              const Commit& commit) {
  if (const keys::KeyStorePtr same = impl_->same_store(scope, request, deadline)) return same->id;
  const StoreRules& rules = impl_->rules;
  const auto check_records = [&](const config::Cluster& cluster) {
    if (rules.cluster_taken(scope, cluster, {})) throw cluster_in_use();
  };
  rules.check_quota(scope);
  rules.check_name(scope, request.name, {});
  const config::Cluster& cluster = rules.cluster(scope, request.cluster_id);
  check_records(cluster);
  if (rules.token_of_a_store(scope, cluster, {}, deadline)) throw cluster_in_use();
  if (certificate_der(request.trust_anchor) != cluster.trust_anchor) throw incorrect_trust_anchor();
  (void)rules.active_token(cluster, deadline);
  if (rules.token_of_a_region(cluster, deadline)) throw cluster_invalid_configuration();

  keys::KeyStoreRecord record{.scope = scope,
                              .id = make_store_id(impl_->random),
                              .name = std::move(request.name),
                              .cluster_id = std::move(request.cluster_id),
                              .trust_anchor = std::move(request.trust_anchor),
                              .created = impl_->clock.now()};
  record.password = impl_->seal(scope, record.id, request.password, deadline);

  const MutexLock lock(impl_->taking);
  rules.check_quota(scope);
  rules.check_name(scope, record.name, {});
  check_records(cluster);
  commit({storage::Put<keys::KeyStoreRecord>{record}}, record);
  return record.id;
}

std::optional<keys::KeyStoreRecord> KeyStores::prepare_connect(const Scope& scope,
                                                               const std::string& id) {
  keys::KeyStoreRecord record = *impl_->record(scope, id);
  switch (record.state) {
    case State::connected:
    case State::connecting:
      return std::nullopt;
    case State::failed:
    case State::disconnecting:
      throw store_invalid_state();
    case State::disconnected:
      break;
  }
  record.state = State::connecting;
  record.error.reset();
  return record;
}

void KeyStores::connect(const Scope& scope, const std::string& id) {
  impl_->customs.changed(scope, id);
}

keys::KeyStoreRecord KeyStores::prepare_disconnect(const Scope& scope, const std::string& id) {
  keys::KeyStoreRecord record = *impl_->record(scope, id);
  switch (record.state) {
    case State::connected:
    case State::connecting:
    case State::failed:
      break;
    case State::disconnecting:
    case State::disconnected:
      throw store_invalid_state();
  }
  record.state = State::disconnecting;
  record.error.reset();
  return record;
}

void KeyStores::disconnect(const Scope& scope, const std::string& id) {
  impl_->customs.changed(scope, id);
}

void KeyStores::update(const Scope& scope, const std::string& id, StoreUpdate update,
                       Deadline deadline, const Commit& commit) {
  const StoreRules& rules = impl_->rules;
  keys::KeyStoreRecord record = *impl_->record(scope, id);
  const bool only_name = !update.cluster_id && !update.password;
  if (record.state != State::disconnected && !(only_name && record.state == State::connected)) {
    throw store_invalid_state();
  }
  if (update.name) rules.check_name(scope, *update.name, id);
  if (update.cluster_id && *update.cluster_id != record.cluster_id) {
    const config::Cluster& cluster = rules.cluster(scope, *update.cluster_id);
    const config::Cluster* former = find_cluster(impl_->config, scope, record.cluster_id);
    const bool related = (former != nullptr && share_history(*former, cluster)) ||
                         certificate_der(record.trust_anchor) == cluster.trust_anchor;
    if (!related) throw cluster_not_related();
    // The operation knows no CloudHsmClusterInUseException.
    if (rules.token_of_a_store(scope, cluster, id, deadline) ||
        rules.token_of_a_region(cluster, deadline)) {
      throw cluster_invalid_configuration();
    }
    record.cluster_id = *update.cluster_id;
  }
  std::vector<storage::Change> changes;
  if (!only_name) {
    const pkcs11::TokenInfo token =
        rules.active_token(rules.cluster(scope, record.cluster_id), deadline);
    if (update.password) {
      record.password = impl_->seal(scope, id, *update.password, deadline);
      // The customer says that this is the password now: it may be tried again, once.
      if (auto lifted = impl_->pin_refusals->lift(token.serial, update.password->bytes().view())) {
        changes.push_back(std::move(*lifted));
      }
    }
  }
  const MutexLock lock(impl_->taking);
  if (update.name) {
    rules.check_name(scope, *update.name, id);
    record.name = std::move(*update.name);
  }
  if (update.cluster_id &&
      rules.cluster_taken(scope, rules.cluster(scope, record.cluster_id), id)) {
    throw cluster_invalid_configuration();
  }
  changes.emplace_back(storage::Put<keys::KeyStoreRecord>{record});
  commit(std::move(changes), record);
}

keys::KeyStoreRecord KeyStores::prepare_delete(const Scope& scope, const std::string& id) {
  keys::KeyStoreRecord record = *impl_->record(scope, id);
  if (record.state != State::disconnected) throw store_invalid_state();
  if (impl_->store.key_count_of_store(scope, id) != 0) throw store_has_keys();
  return record;
}

void KeyStores::wait_idle() { impl_->customs.wait_idle(); }

std::vector<TokenStatus> KeyStores::status() const {
  std::vector<TokenStatus> all = impl_->regions.status();
  std::ranges::move(impl_->customs.status(), std::back_inserter(all));
  return all;
}

KeyStores::Reconciled KeyStores::reconcile(const std::set<std::string>& done,
                                           Deadline deadline) const {
  Reconciliation reconciliation(impl_->store);
  std::vector<std::string> tokens;
  impl_->for_each_open([&](const Scope& scope, const std::string& id, const TokenHandle& handle) {
    const std::string& name = id.empty() ? scope.region : id;
    if (done.contains(name)) return;
    const bool checked = Impl::if_well(name, handle, [&](pkcs11::Token& token) {
      reconciliation.check(scope, id, token, deadline);
    });
    if (checked) tokens.push_back(name);
  });
  return {.tokens = std::move(tokens),
          .lines = std::move(reconciliation).take_lines(),
          .losses = std::move(reconciliation).take_losses()};
}

std::vector<std::string> KeyStores::drop_unfinished(Deadline deadline) {
  // What a token refuses for good is neither tried nor told in every round.
  if (!impl_->drop.due()) return {};
  const config::Limits& limits = impl_->config.limits;
  const auto longest = std::max(limits.request_deadline, limits.key_generation_deadline);
  const Timestamp before = std::max(impl_->started, impl_->clock.now() - longest - kCreationMargin);
  const auto left = impl_->store.find_keys(
      [&](const keys::KeyRecord& key) { return has_unfinished(key, before); });
  std::vector<std::string> lines;
  if (left.empty()) return lines;
  bool refused = false;
  impl_->for_each_open([&](const Scope& scope, const std::string& id, const TokenHandle& handle) {
    const auto is_here = [&](const keys::KeyPtr& key) { return is_in(*key, scope, id); };
    if (std::ranges::none_of(left, is_here)) return;
    (void)Impl::if_well(id.empty() ? scope.region : id, handle, [&](pkcs11::Token& token) {
      for (const keys::KeyPtr& key : left) {
        if (!is_here(key)) continue;
        if (!keystores::drop_unfinished(impl_->store, *key, before, token, deadline)) {
          refused = true;
          continue;
        }
        lines.push_back(key->state == keys::StoredState::creating
                            ? "key " + key->arn() + " was never created to the end and is removed"
                            : "unused objects of key " + key->arn() + " are destroyed");
      }
    });
  });
  if (refused) {
    impl_->drop.failed();
  } else {
    impl_->drop.succeeded();
  }
  return lines;
}

}  // namespace kms::keystores
