#pragma once

#include <string>
#include <utility>

#include "connector/keys/action.h"
#include "connector/keys/records.h"

namespace kms::auth {
class Authorizer;
}

namespace kms::keys {

/// A key that the caller has been allowed to use for one action. Only auth::Authorizer makes these,
/// and a KeyStore accepts nothing else: to forget to authorize does not compile.
class AuthorizedKey {
 public:
  [[nodiscard]] const KeyRecord& record() const noexcept { return *record_; }
  [[nodiscard]] const KeyPtr& pointer() const noexcept { return record_; }
  [[nodiscard]] std::string arn() const { return record_->arn(); }
  [[nodiscard]] Action action() const noexcept { return action_; }

 private:
  friend class auth::Authorizer;
  AuthorizedKey(KeyPtr record, Action action) : record_(std::move(record)), action_(action) {}

  KeyPtr record_;
  Action action_;
};

}  // namespace kms::keys
