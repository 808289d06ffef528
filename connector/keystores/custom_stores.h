#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/config.h"
#include "connector/keystores/key_stores.h"
#include "connector/keystores/region_tokens.h"
#include "connector/keystores/token_key_store.h"

namespace kms::keystores {

/// The connections of the custom key stores. What each has to do follows from the state in its
/// record: a thread a key store brings CONNECTING to CONNECTED or FAILED, DISCONNECTING to
/// DISCONNECTED, and a store that is CONNECTED, but whose token is not open (after a restart), to
/// its token.
class CustomStores {
 public:
  CustomStores(const config::Config& config, pkcs11::Modules& modules,
               storage::MetadataStore& store, RegionTokens& regions,
               std::shared_ptr<pkcs11::PinRefusals> pin_refusals,
               const TokenKeyStore::Shared& shared);
  ~CustomStores();
  CustomStores(const CustomStores&) = delete;
  CustomStores& operator=(const CustomStores&) = delete;

  /// Takes up every store where the last run left it; returns when each has been tried once, or
  /// after `patience`.
  void start(std::chrono::milliseconds patience);
  /// Begins to stop: nothing that fails from now on is a failure of a store.
  void cancel();
  void stop();

  /// The record's state has changed.
  void changed(const Scope& scope, const std::string& id);
  /// Waits until no store is on its way to another state.
  void wait_idle();
  /// What the keys of a CONNECTED store work with; null if there is no connection.
  /// KMSInvalidStateException while the token is absent; whether it is, the first attempt to open
  /// it tells.
  [[nodiscard]] std::shared_ptr<KeyStore> key_store(const Scope& scope,
                                                    const std::string& id) const;
  [[nodiscard]] std::vector<TokenStatus> status() const;
  /// Calls it for each open token.
  void for_each_open(const std::function<void(const Scope&, const std::string& id,
                                              const TokenHandle&)>& visit) const;

 private:
  struct Connection;
  struct Link;
  using Id = std::pair<Scope, std::string>;

  Connection& connection(const Scope& scope, const std::string& id);
  void join_ended() KMS_REQUIRES(mutex_);
  void work(Connection& connection);
  /// False if the thread has to end; `again`: when to settle in any case.
  bool wait_until_asked(Connection& connection, std::optional<std::chrono::milliseconds> again);
  [[nodiscard]] std::shared_ptr<Link> make_link();
  /// Does what the record asks for; when to try again, if it has to.
  std::optional<std::chrono::milliseconds> settle(Connection& connection);
  std::optional<std::chrono::milliseconds> connect(Connection& connection,
                                                   const keys::KeyStoreRecord& record);
  std::optional<std::chrono::milliseconds> reconnect(Connection& connection,
                                                     const keys::KeyStoreRecord& record);
  /// Makes the module look at its tokens anew, before a password that it has not seen is tried.
  void reread(const keys::KeyStoreRecord& record);
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] SecretBytes password(const keys::KeyStoreRecord& record,
                                     pkcs11::Deadline deadline) const;
  [[nodiscard]] std::unique_ptr<pkcs11::Token> open(const keys::KeyStoreRecord& record,
                                                    bool asked_for);
  /// Of an attempt to open a token.
  [[nodiscard]] pkcs11::Deadline patience() const;
  /// Ends new use, waits for the users and closes the token; false if stop() came first.
  bool let_go(Connection& connection);
  void publish(Connection& connection, std::shared_ptr<Link> link);
  /// Moves the record on if it is still in that state; false if it is not.
  bool move(const keys::KeyStoreRecord& record, api::ConnectionStateType from,
            api::ConnectionStateType to, std::optional<api::ConnectionErrorCodeType> error);

  const config::Config& config_;
  pkcs11::Modules& modules_;
  storage::MetadataStore& store_;
  RegionTokens& regions_;
  const std::shared_ptr<pkcs11::PinRefusals> pin_refusals_;
  const TokenKeyStore::Shared shared_;

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::map<Id, std::unique_ptr<Connection>> connections_ KMS_GUARDED_BY(mutex_);
  bool stopping_ KMS_GUARDED_BY(mutex_) = false;
};

}  // namespace kms::keystores
