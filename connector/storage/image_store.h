#pragma once

#include "connector/storage/image.h"
#include "connector/storage/read_mostly_mutex.h"

namespace kms::storage {

/// A store that answers reads from its image.
class ImageStore : public MetadataStore {
 public:
  [[nodiscard]] keys::KeyPtr key(const Scope& scope, std::string_view id) const override {
    const ReadLock lock(image_mutex_);
    return image_.keys().find(record_id(scope, id));
  }
  [[nodiscard]] Page<keys::KeyPtr> keys(const Scope& scope, std::string_view after,
                                        std::size_t limit) const override {
    const ReadLock lock(image_mutex_);
    return image_.keys().page(record_id(scope, after), limit);
  }
  [[nodiscard]] std::size_t key_count(const Scope& scope) const override {
    const ReadLock lock(image_mutex_);
    return image_.key_count(scope);
  }
  [[nodiscard]] std::size_t key_count_of_store(const Scope& scope,
                                               std::string_view id) const override {
    const ReadLock lock(image_mutex_);
    return image_.key_count_of_store(scope, id);
  }
  [[nodiscard]] std::vector<keys::KeyPtr> find_keys(
      const std::function<bool(const keys::KeyRecord&)>& predicate) const override;

  [[nodiscard]] keys::AliasPtr alias(const Scope& scope, std::string_view name) const override {
    const ReadLock lock(image_mutex_);
    return image_.aliases().find(record_id(scope, name));
  }
  [[nodiscard]] Page<keys::AliasPtr> aliases(const Scope& scope, std::string_view after,
                                             std::size_t limit) const override {
    const ReadLock lock(image_mutex_);
    return image_.aliases().page(record_id(scope, after), limit);
  }
  [[nodiscard]] Page<keys::AliasPtr> aliases_of_key(const Scope& scope, std::string_view key_id,
                                                    std::string_view after,
                                                    std::size_t limit) const override {
    const ReadLock lock(image_mutex_);
    return image_.aliases_of_key(scope, key_id, after, limit);
  }

  [[nodiscard]] keys::GrantPtr grant(const Scope& scope, std::string_view key_id,
                                     std::string_view id) const override {
    const ReadLock lock(image_mutex_);
    return image_.grants().find(grant_record_id(scope, key_id, id));
  }
  [[nodiscard]] Page<keys::GrantPtr> grants_of_key(const Scope& scope, std::string_view key_id,
                                                   std::string_view after,
                                                   std::size_t limit) const override {
    const ReadLock lock(image_mutex_);
    return image_.grants().page(grant_record_id(scope, key_id, after), limit);
  }
  [[nodiscard]] std::size_t grant_count(const Scope& scope,
                                        std::string_view key_id) const override {
    const ReadLock lock(image_mutex_);
    return image_.grant_count(scope, key_id);
  }
  [[nodiscard]] std::vector<keys::GrantPtr> grants_to(const Scope& scope, std::string_view key_id,
                                                      std::string_view grantee) const override {
    const ReadLock lock(image_mutex_);
    return image_.grants_to(scope, key_id, grantee);
  }
  [[nodiscard]] keys::GrantPtr find_grant_to(
      const Scope& scope, std::string_view key_id, std::string_view grantee,
      const std::function<bool(const keys::GrantRecord&)>& predicate) const override {
    const ReadLock lock(image_mutex_);
    return image_.find_grant_to(scope, key_id, grantee, predicate);
  }
  [[nodiscard]] std::vector<keys::GrantPtr> grants_named(const Scope& scope,
                                                         std::string_view key_id,
                                                         std::string_view grantee,
                                                         std::string_view name) const override {
    const ReadLock lock(image_mutex_);
    return image_.grants_named(scope, key_id, grantee, name);
  }
  [[nodiscard]] Page<keys::GrantPtr> grants_retirable_by(const Scope& scope,
                                                         std::string_view principal,
                                                         std::string_view after,
                                                         std::size_t limit) const override {
    const ReadLock lock(image_mutex_);
    return image_.grants_retirable_by(scope, principal, after, limit);
  }

  [[nodiscard]] keys::KeyStorePtr key_store(const Scope& scope,
                                            std::string_view id) const override {
    const ReadLock lock(image_mutex_);
    return image_.key_stores().find(record_id(scope, id));
  }
  [[nodiscard]] std::vector<keys::KeyStorePtr> key_stores(const Scope* scope) const override;

  [[nodiscard]] keys::SessionKeyPtr session_key(std::string_view region) const override {
    const ReadLock lock(image_mutex_);
    return image_.session_keys().find({.account = {}, .region = region, .owner = {}, .name = {}});
  }

  [[nodiscard]] std::vector<keys::PinRefusalRecord> pin_refusals(
      std::string_view token_serial) const override {
    const ReadLock lock(image_mutex_);
    return image_.pin_refusals(token_serial);
  }

 protected:
  mutable ReadMostlyMutex image_mutex_;
  Image image_ KMS_GUARDED_BY(image_mutex_);
};

}  // namespace kms::storage
