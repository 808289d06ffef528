#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "connector/storage/metadata_store.h"

namespace kms::test {

/// A MetadataStore in front of another one whose n-th commit fails as a full disk would: nothing is
/// changed.
class FailingStore final : public storage::MetadataStore {
 public:
  explicit FailingStore(storage::MetadataStore& store) : store_(store) {}

  /// The n-th commit from now (1: the next) throws; 0: none.
  void fail_commit(int n, storage::Fault fault = storage::Fault::unavailable) {
    fault_ = fault;
    left_ = n;
  }
  /// Every commit throws until fail_commit() says otherwise.
  void fail_all_commits(storage::Fault fault = storage::Fault::unavailable) {
    fault_ = fault;
    left_ = kAll;
  }
  /// Commits that were asked for.
  [[nodiscard]] int commits() const { return commits_; }

  [[nodiscard]] keys::KeyPtr key(const Scope& scope, std::string_view id) const override {
    return store_.key(scope, id);
  }
  [[nodiscard]] storage::Page<keys::KeyPtr> keys(const Scope& scope, std::string_view after,
                                                 std::size_t limit) const override {
    return store_.keys(scope, after, limit);
  }
  [[nodiscard]] std::size_t key_count(const Scope& scope) const override {
    return store_.key_count(scope);
  }
  [[nodiscard]] std::size_t key_count_of_store(const Scope& scope,
                                               std::string_view id) const override {
    return store_.key_count_of_store(scope, id);
  }
  [[nodiscard]] std::vector<keys::KeyPtr> find_keys(
      const std::function<bool(const keys::KeyRecord&)>& predicate) const override {
    return store_.find_keys(predicate);
  }
  [[nodiscard]] keys::AliasPtr alias(const Scope& scope, std::string_view name) const override {
    return store_.alias(scope, name);
  }
  [[nodiscard]] storage::Page<keys::AliasPtr> aliases(const Scope& scope, std::string_view after,
                                                      std::size_t limit) const override {
    return store_.aliases(scope, after, limit);
  }
  [[nodiscard]] storage::Page<keys::AliasPtr> aliases_of_key(const Scope& scope,
                                                             std::string_view key_id,
                                                             std::string_view after,
                                                             std::size_t limit) const override {
    return store_.aliases_of_key(scope, key_id, after, limit);
  }
  [[nodiscard]] keys::GrantPtr grant(const Scope& scope, std::string_view key_id,
                                     std::string_view id) const override {
    return store_.grant(scope, key_id, id);
  }
  [[nodiscard]] storage::Page<keys::GrantPtr> grants_of_key(const Scope& scope,
                                                            std::string_view key_id,
                                                            std::string_view after,
                                                            std::size_t limit) const override {
    return store_.grants_of_key(scope, key_id, after, limit);
  }
  [[nodiscard]] std::size_t grant_count(const Scope& scope,
                                        std::string_view key_id) const override {
    return store_.grant_count(scope, key_id);
  }
  [[nodiscard]] std::vector<keys::GrantPtr> grants_to(const Scope& scope, std::string_view key_id,
                                                      std::string_view grantee) const override {
    return store_.grants_to(scope, key_id, grantee);
  }
  [[nodiscard]] keys::GrantPtr find_grant_to(
      const Scope& scope, std::string_view key_id, std::string_view grantee,
      const std::function<bool(const keys::GrantRecord&)>& predicate) const override {
    return store_.find_grant_to(scope, key_id, grantee, predicate);
  }
  [[nodiscard]] std::vector<keys::GrantPtr> grants_named(const Scope& scope,
                                                         std::string_view key_id,
                                                         std::string_view grantee,
                                                         std::string_view name) const override {
    return store_.grants_named(scope, key_id, grantee, name);
  }
  [[nodiscard]] storage::Page<keys::GrantPtr> grants_retirable_by(
      const Scope& scope, std::string_view principal, std::string_view after,
      std::size_t limit) const override {
    return store_.grants_retirable_by(scope, principal, after, limit);
  }
  [[nodiscard]] keys::KeyStorePtr key_store(const Scope& scope,
                                            std::string_view id) const override {
    return store_.key_store(scope, id);
  }
  [[nodiscard]] std::vector<keys::KeyStorePtr> key_stores(const Scope* scope) const override {
    return store_.key_stores(scope);
  }
  [[nodiscard]] keys::SessionKeyPtr session_key(std::string_view region) const override {
    return store_.session_key(region);
  }
  [[nodiscard]] std::vector<keys::PinRefusalRecord> pin_refusals(
      std::string_view token_serial) const override {
    return store_.pin_refusals(token_serial);
  }
  void commit(std::span<const storage::Change> changes) override {
    ++commits_;
    int left = left_;
    while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 1 || left == kAll) throw storage::Error(fault_, "a commit that a test lets fail");
    store_.commit(changes);
  }
  [[nodiscard]] std::vector<storage::OutboxLine> outbox(std::size_t limit) const override {
    return store_.outbox(limit);
  }
  void outbox_written(std::int64_t sequence) override { store_.outbox_written(sequence); }

 private:
  static constexpr int kAll = -1;
  storage::MetadataStore& store_;
  std::atomic<int> left_{0};
  std::atomic<int> commits_{0};
  std::atomic<storage::Fault> fault_{storage::Fault::unavailable};
};

}  // namespace kms::test
