#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/auth/caller.h"
#include "connector/auth/signing_keys.h"
#include "connector/base/bytes.h"
#include "connector/storage/read_mostly_mutex.h"

namespace kms::auth {

/// The users, roles and access keys of one configuration: read once, never changed. A reload makes
/// another.
class Identities {
 public:
  /// Parses every policy; throws config::Error with the file, line and column of a fault.
  explicit Identities(const config::Config& config);

  struct AccessKey {
    SecretBytes secret;
    Caller caller;  // who signs with it
    bool active = true;
    mutable SigningKeys signing_keys;
  };
  /// Null if there is none of this id.
  [[nodiscard]] const AccessKey* access_key(std::string_view id) const;
  /// A user, role or root by its ARN; null if there is none. An account that is served has a root.
  [[nodiscard]] PrincipalPtr principal(std::string_view arn) const;
  /// The role of "arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION"; null if there is none.
  [[nodiscard]] PrincipalPtr role_of_session(std::string_view session_arn) const;
  /// Whether the ARN names an account root, user, role, or session of a role, that exists here;
  /// every federated user of an account that is served does.
  [[nodiscard]] bool knows(std::string_view arn) const;

  /// How keys and grants remember whom they name, so that a later namesake is not meant: a user or
  /// role by its unique id, a session as "ID:SESSION", an account by the ARN of its root. Everybody
  /// else is as named.
  [[nodiscard]] std::string remembered(const std::string& name) const;
  /// The ARN of somebody remembered; who is gone is shown as remembered.
  [[nodiscard]] std::string shown(const std::string& remembered) const;

 private:
  void add(const config::Config& config, const config::Principal& principal);

  std::string partition_;
  std::map<std::string, PrincipalPtr, std::less<>> principals_;  // by ARN
  std::map<std::string, PrincipalPtr, std::less<>> by_unique_id_;
  std::map<std::string, PrincipalPtr, std::less<>> roles_;     // by "ACCOUNT/NAME"
  std::map<std::string, AccessKey, std::less<>> access_keys_;  // by id
};

/// The identities in effect. Thread-safe.
class IdentityDirectory {
 public:
  using Ptr = std::shared_ptr<const Identities>;
  explicit IdentityDirectory(Ptr identities) : identities_(std::move(identities)) {}

  [[nodiscard]] Ptr current() const {
    const storage::ReadLock lock(mutex_);
    return identities_;
  }
  /// For requests that begin from now on.
  void replace(Ptr identities) {
    const storage::WriteLock lock(mutex_);
    identities_.swap(identities);
  }

 private:
  mutable storage::ReadMostlyMutex mutex_;
  Ptr identities_ KMS_GUARDED_BY(mutex_);
};

}  // namespace kms::auth
