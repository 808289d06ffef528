#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/keystores/key_store.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/module.h"

namespace kms::keystores {

/// Health of one token, for /readyz and the metrics.
struct TokenStatus {
  std::string name;  // Region name or custom key store id
  bool custom = false;
  bool ready = false;
  std::string detail;  // why not; no secrets
  std::uint64_t epoch = 0;
};

/// All key stores of the process: one for each Region's own token, one for each connected custom
/// key store, and the life cycle of the latter. Region tokens are opened by start() and, while
/// absent, tried again in the background.
class KeyStores {
 public:
  KeyStores(const config::Config& config, pkcs11::Modules& modules, storage::MetadataStore& store,
            const Clock& clock, Random& random);
  ~KeyStores();
  KeyStores(const KeyStores&) = delete;
  KeyStores& operator=(const KeyStores&) = delete;

  /// Opens the Regions' tokens (in parallel, not waiting for absent ones longer than a moment) and
  /// reconnects the custom key stores that were CONNECTED or CONNECTING when the daemon stopped.
  void start();
  /// Ends the background work and closes every token. Nothing may be in use.
  void stop();

  /// The store that holds this key. Throws KMSInvalidStateException "<arn> is unavailable." for a
  /// custom key store that is not CONNECTED.
  [[nodiscard]] std::shared_ptr<KeyStore> of(const keys::KeyRecord& key);
  /// The Region's own token. KMSInternalException while it is absent.
  [[nodiscard]] std::shared_ptr<KeyStore> region(const std::string& region);
  /// A CONNECTED custom key store; CustomKeyStoreNotFoundException,
  /// CustomKeyStoreInvalidStateException.
  [[nodiscard]] std::shared_ptr<KeyStore> custom(const Scope& scope, const std::string& id);
  /// False if the key's custom key store is not CONNECTED: its KeyState reads Unavailable.
  [[nodiscard]] bool available(const keys::KeyRecord& key) const;

  /// See RelatedKeys.
  [[nodiscard]] std::vector<keys::KeyRecord> following(const keys::KeyRecord& key,
                                                       Deadline deadline);
  void replicate(keys::KeyRecord& primary, keys::KeyRecord& replica, Deadline deadline);

  /// HMAC-SHA-256 in the default Region's own token, under its session key. KMSInternalException
  /// while the token is absent.
  [[nodiscard]] SecretBytes session_mac(ByteView message, Deadline deadline);

  /// What the operations need of a custom key store. Each checks what AWS checks, in its order, and
  /// throws the API's errors. They talk to no token while holding a lock.
  struct NewStore {
    std::string name;
    std::string cluster_id;
    std::string trust_anchor;  // PEM
    SecretString password;
  };
  /// Given the changes to commit and the record they put; called at most once, while no other call
  /// can take the same name or cluster.
  using Commit = std::function<void(std::vector<storage::Change>, const keys::KeyStoreRecord&)>;
  /// The id of the new store; or, nothing committed, of the disconnected one with the same
  /// properties.
  [[nodiscard]] std::string create(const Scope& scope, NewStore request, Deadline deadline,
                                   const Commit& commit);
  /// The record in state CONNECTING to put; call connect() after the commit. nullopt: nothing to
  /// do.
  [[nodiscard]] std::optional<keys::KeyStoreRecord> prepare_connect(const Scope& scope,
                                                                    const std::string& id);
  /// Connects in the background and commits CONNECTED or FAILED with its code.
  void connect(const Scope& scope, const std::string& id);
  /// The record in state DISCONNECTING to put; call disconnect() after the commit.
  [[nodiscard]] keys::KeyStoreRecord prepare_disconnect(const Scope& scope, const std::string& id);
  /// Lets the token go in the background, then commits DISCONNECTED.
  void disconnect(const Scope& scope, const std::string& id);
  struct StoreUpdate {
    std::optional<std::string> name;
    std::optional<std::string> cluster_id;
    std::optional<SecretString> password;
  };
  void update(const Scope& scope, const std::string& id, StoreUpdate update, Deadline deadline,
              const Commit& commit);
  /// The record to erase.
  [[nodiscard]] keys::KeyStoreRecord prepare_delete(const Scope& scope, const std::string& id);

  /// Waits until no connect or disconnect is under way (tests, shutdown).
  void wait_idle();
  /// Of each Region's token and of each custom key store that is CONNECTED; a token found sick is
  /// told to recover.
  [[nodiscard]] std::vector<TokenStatus> status() const;
  struct Reconciled {
    std::vector<std::string> tokens;  // that were looked at, as TokenStatus names them
    /// Objects that no record explains and records whose objects are missing: a line each.
    std::vector<std::string> lines;
    /// Key-encryption keys that are missing: whatever is wrapped under them is of no use.
    std::vector<std::string> losses;
  };
  /// Looks at the tokens that are open and well, but for those in `done`.
  [[nodiscard]] Reconciled reconcile(const std::set<std::string>& done, Deadline deadline) const;
  /// Undoes the creations of keys and of material, and ends the destructions, that an earlier run
  /// or an outage left without an end, as far as their tokens are open and well; a line each key.
  /// After what a token refuses to destroy, it waits before it tries again. For one thread.
  [[nodiscard]] std::vector<std::string> drop_unfinished(Deadline deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::keystores
