#include "connector/keystores/custom_stores.h"

#include <algorithm>
#include <stdexcept>

#include "connector/base/log.h"
#include "connector/keystores/clusters.h"
#include "connector/keystores/connection_error.h"
#include "connector/keystores/open_token.h"
#include "connector/keystores/sealed_password.h"
#include "connector/keystores/token_error.h"
#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

using Clock = std::chrono::steady_clock;
using State = api::ConnectionStateType;
using Code = api::ConnectionErrorCodeType;

constexpr std::chrono::milliseconds kFirstRetry{250};
constexpr std::chrono::milliseconds kLastRetry{30'000};
// How soon a state is committed again that the metadata store could not take.
constexpr std::chrono::milliseconds kCommitRetry{1000};

void report(LogLevel level, const std::string& id, const std::string& text) {
  log(level, "keystores", "custom key store " + id + ": " + text);
}

}  // namespace

/// One time of being connected: the token and who uses it.
struct CustomStores::Link {
  const std::shared_ptr<TokenHandle> handle = std::make_shared<TokenHandle>();
  /// Given to callers.
  std::shared_ptr<TokenKeyStore> store;
  // These under the mutex of CustomStores.
  bool released = false;   // the last of them is gone
  bool attempted = false;  // the token could not be opened, and is tried again
};

struct CustomStores::Connection {
  Connection(Scope of_scope, std::string of_id)
      : scope(std::move(of_scope)), id(std::move(of_id)) {}

  const Scope scope;
  const std::string id;
  // Used by its own thread only.
  std::chrono::milliseconds retry = kFirstRetry;
  // The last password, sealed anew with each update.
  std::optional<keys::SealedSecret> tried;
  std::thread thread;
  // The rest under the mutex of CustomStores.
  std::shared_ptr<Link> link;
  std::string why = "not opened yet";
  bool running = false;  // the thread looks at the record
  bool poked = false;    // the record may ask for something
  bool busy = false;     // and it has not been brought about yet
};

CustomStores::CustomStores(const config::Config& config, pkcs11::Modules& modules,
                           storage::MetadataStore& store, RegionTokens& regions,
                           std::shared_ptr<pkcs11::PinRefusals> pin_refusals,
                           const TokenKeyStore::Shared& shared)
    : config_(config),
      modules_(modules),
      store_(store),
      regions_(regions),
      pin_refusals_(std::move(pin_refusals)),
      shared_(shared) {}

CustomStores::~CustomStores() { stop(); }

void CustomStores::start(std::chrono::milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  for (const keys::KeyStorePtr& record : store_.key_stores(nullptr)) {
    Connection& made = connection(record->scope, record->id);
    // What the module sees of its tokens from now on may go with this password only.
    made.tried = record->password;
    switch (record->state) {
      case State::connected: {
        // Requests that come before the first attempt to open the token wait for it.
        publish(made, make_link());
        changed(record->scope, record->id);
        break;
      }
      case State::connecting:
      case State::disconnecting:
        changed(record->scope, record->id);
        break;
      case State::failed:
      case State::disconnected:
        break;
    }
  }
  MutexLock lock(mutex_);
  const auto busy = [this]() KMS_NO_THREAD_SAFETY_ANALYSIS {
    return std::ranges::any_of(connections_, [](const auto& entry) { return entry.second->busy; });
  };
  while (busy()) {
    if (lock.wait_until(changed_, until) == std::cv_status::timeout) break;
  }
}

void CustomStores::cancel() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void CustomStores::stop() {
  cancel();
  std::vector<Connection*> all;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  }
  for (Connection* connection : all) {
    if (connection->thread.joinable()) connection->thread.join();
    std::shared_ptr<Link> link;
    {
      const MutexLock lock(mutex_);
      link = std::move(connection->link);
    }
    if (!link) continue;
    link->handle->cancel();
    link->handle->close();
  }
}

CustomStores::Connection& CustomStores::connection(const Scope& scope, const std::string& id) {
  const MutexLock lock(mutex_);
  std::unique_ptr<Connection>& connection = connections_[Id(scope, id)];
  if (!connection) connection = std::make_unique<Connection>(scope, id);
  return *connection;
}

void CustomStores::changed(const Scope& scope, const std::string& id) {
  Connection& changed = connection(scope, id);
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    if (!changed.running) {
      join_ended();
      // There may be no thread to be had.
      changed.thread = std::thread([this, &changed] { work(changed); });
      changed.running = true;
    }
    changed.poked = true;
    changed.busy = true;
  }
  changed_.notify_all();
}

/// What a thread leaves behind, that of a deleted store too, goes when it is joined. One that is
/// not running any more takes no lock on its way out.
void CustomStores::join_ended() {
  for (const auto& [id, connection] : connections_) {
    if (!connection->running && connection->thread.joinable()) connection->thread.join();
  }
}

void CustomStores::wait_idle() {
  MutexLock lock(mutex_);
  const auto busy = [this]() KMS_NO_THREAD_SAFETY_ANALYSIS {
    return std::ranges::any_of(connections_, [](const auto& entry) { return entry.second->busy; });
  };
  while (!stopping_ && busy()) lock.wait(changed_);
}

std::shared_ptr<KeyStore> CustomStores::key_store(const Scope& scope, const std::string& id) const {
  const MutexLock lock(mutex_);
  const auto found = connections_.find(Id(scope, id));
  if (found == connections_.end() || !found->second->link) return nullptr;
  const Link& link = *found->second->link;
  if (link.attempted && link.handle->get() == nullptr) {
    throw api_error(pkcs11::Failure::token_absent, TokenRole::custom);
  }
  return link.store;
}

std::shared_ptr<CustomStores::Link> CustomStores::make_link() {
  auto link = std::make_shared<Link>();
  // The deleter runs when the last user lets go, which let_go() waits for.
  link->store =
      std::shared_ptr<TokenKeyStore>(new TokenKeyStore(link->handle, TokenRole::custom, shared_),
                                     [this, weak = std::weak_ptr<Link>(link)](auto* store) {
                                       delete store;
                                       if (const std::shared_ptr<Link> released = weak.lock()) {
                                         const MutexLock lock(mutex_);
                                         released->released = true;
                                       }
                                       changed_.notify_all();
                                     });
  return link;
}

void CustomStores::publish(Connection& connection, std::shared_ptr<Link> link) {
  const MutexLock lock(mutex_);
  std::swap(connection.link, link);
  connection.why = "not opened yet";
}

void CustomStores::work(Connection& connection) {
  do {
    {
      const MutexLock lock(mutex_);
      connection.poked = false;
    }
  } while (wait_until_asked(connection, settle(connection)));
}

bool CustomStores::wait_until_asked(Connection& connection,
                                    std::optional<std::chrono::milliseconds> again) {
  const Clock::time_point next = Clock::now() + again.value_or(std::chrono::milliseconds{0});
  MutexLock lock(mutex_);
  if (!connection.poked) connection.busy = false;
  changed_.notify_all();
  while (again && !stopping_ && !connection.poked) {
    if (lock.wait_until(changed_, next) == std::cv_status::timeout) return !stopping_;
  }
  if (connection.poked && !stopping_) return true;
  // Nothing to do until the record changes.
  connection.running = false;
  return false;
}

std::optional<std::chrono::milliseconds> CustomStores::settle(Connection& connection) {
  try {
    const keys::KeyStorePtr record = store_.key_store(connection.scope, connection.id);
    switch (record ? record->state : State::disconnected) {
      case State::connecting:
        return connect(connection, *record);
      case State::connected:
        return reconnect(connection, *record);
      case State::disconnecting:
        if (let_go(connection) &&
            move(*record, State::disconnecting, State::disconnected, std::nullopt)) {
          report(LogLevel::info, connection.id, "DISCONNECTED");
        }
        return std::nullopt;
      case State::failed:
      case State::disconnected:
        (void)let_go(connection);
        return std::nullopt;
    }
    return std::nullopt;
  } catch (const std::exception& error) {
    report(LogLevel::error, connection.id, error.what());
    return kCommitRetry;
  }
}

SecretBytes CustomStores::password(const keys::KeyStoreRecord& record,
                                   pkcs11::Deadline deadline) const {
  try {
    return open_password(regions_.token(record.scope.region, deadline), record, deadline);
  } catch (const pkcs11::Error& error) {
    // Whatever ails the Region's token says nothing of the key store's.
    throw std::runtime_error(std::string("the stored password cannot be opened: ") + error.what());
  }
}

pkcs11::Deadline CustomStores::patience() const {
  // Nobody waits for the answer, so a slow HSM may take longer than for a request.
  return Clock::now() + 2 * config_.limits.request_deadline;
}

std::unique_ptr<pkcs11::Token> CustomStores::open(const keys::KeyStoreRecord& record,
                                                  bool asked_for) {
  const pkcs11::Deadline deadline = patience();
  const config::Cluster* cluster = find_cluster(config_, record.scope, record.cluster_id);
  return open_token(modules_, cluster->token, password(record, deadline), false, pin_refusals_,
                    record.id, asked_for, deadline);
}

void CustomStores::reread(const keys::KeyStoreRecord& record) {
  // A module may remember the PIN it saw when it was initialised (SoftHSM does): told a new
  // password, it would still want the old one, and a good PIN would count as refused.
  const config::Cluster* cluster = find_cluster(config_, record.scope, record.cluster_id);
  const pkcs11::Deadline deadline = patience();
  (void)modules_.load(cluster->token.module, cluster->token.init_args, deadline)
      ->tokens(true, deadline);
}

bool CustomStores::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

std::optional<std::chrono::milliseconds> CustomStores::connect(Connection& connection,
                                                               const keys::KeyStoreRecord& record) {
  if (!let_go(connection)) return std::nullopt;
  const auto fail = [&](Code code,
                        const std::string& why) -> std::optional<std::chrono::milliseconds> {
    // The next run connects.
    if (stopping()) return std::nullopt;
    report(LogLevel::error, connection.id,
           "FAILED, " + std::string(api::to_string(code)) + ": " + why);
    (void)move(record, State::connecting, State::failed, code);
    return std::nullopt;
  };
  if (find_cluster(config_, record.scope, record.cluster_id) == nullptr) {
    return fail(Code::cluster_not_found, record.cluster_id + " is not in the configuration");
  }
  std::shared_ptr<Link> link = make_link();
  try {
    if (connection.tried && *connection.tried != record.password) reread(record);
    connection.tried = record.password;
    link->handle->set(open(record, true));
  } catch (const pkcs11::Error& error) {
    return fail(connection_error(error), error.what());
  } catch (const std::exception& error) {
    return fail(Code::internal_error, error.what());
  }
  const std::string serial = link->handle->get()->info().serial;
  // Whoever reads CONNECTED must find the token.
  publish(connection, std::move(link));
  if (move(record, State::connecting, State::connected, std::nullopt)) {
    report(LogLevel::info, connection.id,
           "CONNECTED to " + record.cluster_id + ", token " + serial);
  }
  // If it was disconnected meanwhile, its record says what to do next.
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> CustomStores::reconnect(
    Connection& connection, const keys::KeyStoreRecord& record) {
  std::shared_ptr<Link> link;
  {
    const MutexLock lock(mutex_);
    link = connection.link;
  }
  if (!link || link->handle->get() != nullptr) return std::nullopt;
  std::string why;
  if (find_cluster(config_, record.scope, record.cluster_id) == nullptr) {
    // The configuration does not change while we run.
    why = record.cluster_id + " is not in the configuration";
    report(LogLevel::error, connection.id, why);
  } else {
    try {
      link->handle->set(open(record, false));
      connection.retry = kFirstRetry;
      report(LogLevel::info, connection.id, "connected to " + record.cluster_id + " again");
      return std::nullopt;
    } catch (const pkcs11::Error& error) {
      why = pkcs11::name(error.failure());
      report(LogLevel::error, connection.id, error.what());
      if (refuses_pin(error.failure())) {
        (void)move(record, State::connected, State::failed, connection_error(error));
        (void)let_go(connection);
        return std::nullopt;
      }
    } catch (const std::exception& error) {
      why = "internal error";
      report(LogLevel::error, connection.id, error.what());
    }
  }
  {
    const MutexLock lock(mutex_);
    connection.why = why;
    link->attempted = true;
  }
  return std::exchange(connection.retry, std::min(connection.retry * 2, kLastRetry));
}

bool CustomStores::let_go(Connection& connection) {
  std::shared_ptr<Link> link;
  {
    const MutexLock lock(mutex_);
    link = std::move(connection.link);
    connection.link = nullptr;
  }
  if (!link) return true;
  // Whoever waits for a token that is not there need not wait any longer.
  if (link->handle->get() == nullptr) link->handle->cancel();
  link->store = nullptr;
  {
    MutexLock lock(mutex_);
    while (!link->released && !stopping_) lock.wait(changed_);
    if (!link->released) {
      connection.link = std::move(link);
      return false;
    }
  }
  link->handle->close();
  return true;
}

bool CustomStores::move(const keys::KeyStoreRecord& record, State from, State to,
                        std::optional<Code> error) {
  for (;;) {
    const keys::KeyStorePtr stored = store_.key_store(record.scope, record.id);
    if (!stored || stored->state != from) return false;
    keys::KeyStoreRecord moved = *stored;
    moved.state = to;
    moved.error = error;
    const storage::Change put = storage::Put<keys::KeyStoreRecord>{std::move(moved)};
    try {
      store_.commit({&put, 1});
      return true;
    } catch (const storage::Error& fault) {
      if (fault.fault() == storage::Fault::conflict) continue;
      report(LogLevel::error, record.id, fault.what());
      MutexLock lock(mutex_);
      if (stopping_) return false;
      (void)lock.wait_until(changed_, Clock::now() + kCommitRetry);
    }
  }
}

std::vector<TokenStatus> CustomStores::status() const {
  std::vector<TokenStatus> all;
  for (const keys::KeyStorePtr& record : store_.key_stores(nullptr)) {
    if (record->state != State::connected) continue;
    TokenStatus& status = all.emplace_back(TokenStatus{.name = record->id, .custom = true});
    std::shared_ptr<TokenHandle> handle;
    std::shared_ptr<TokenKeyStore> in_use;  // keeps the token open
    {
      const MutexLock lock(mutex_);
      const auto found = connections_.find(Id(record->scope, record->id));
      if (found == connections_.end() || !found->second->link) continue;
      handle = found->second->link->handle;
      in_use = found->second->link->store;
      status.detail = found->second->why;
    }
    if (in_use) (void)handle->examine(status);
  }
  return all;
}

void CustomStores::for_each_open(
    const std::function<void(const Scope&, const std::string&, const TokenHandle&)>& visit) const {
  struct Open {
    Id id;
    std::shared_ptr<TokenHandle> handle;
    std::shared_ptr<TokenKeyStore> in_use;
  };
  std::vector<Open> open;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, connection] : connections_) {
      if (!connection->link || connection->link->handle->get() == nullptr) continue;
      open.push_back({id, connection->link->handle, connection->link->store});
    }
  }
  for (const Open& store : open) visit(store.id.first, store.id.second, *store.handle);
}

}  // namespace kms::keystores
