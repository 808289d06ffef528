#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "connector/base/bytes.h"
#include "connector/base/clock.h"
#include "connector/keys/records.h"

namespace kms::operations {

/// The request quotas of AWS KMS: token buckets for each account and Region, that hold one second's
/// requests. Management operations have one each; cryptographic operations share one for each class
/// of keys, and those on a custom key store one for each store. Thread-safe.
class RequestRates {
 public:
  /// `percent` of AWS's figures; 0: no limit.
  RequestRates(std::size_t percent, const Clock& clock) : percent_(percent), clock_(clock) {}

  /// Counts a request whose quota does not depend on its key. Throws ThrottlingException.
  void admit(const Scope& scope, std::string_view operation);
  /// Counts what ReplicateKey does in the replica's Region: two CreateKey.
  void admit_replica(const Scope& replica);
  /// Counts the making of a data key pair of this spec.
  void admit(const Scope& scope, api::DataKeyPairSpec pair);
  /// Counts another cryptographic operation on this key; nothing for what is none.
  void admit(const Scope& scope, std::string_view operation, const keys::KeyRecord& key);
  /// Counts GenerateRandom in a custom key store; if its id is empty, in the Region's own token.
  void admit_random(const Scope& scope, const std::string& custom_key_store_id);

 private:
  struct Bucket {
    double tokens = 0;
    Timestamp filled{};
  };
  void take(const Scope& scope, std::string name, std::uint32_t per_second, double requests = 1);

  const std::size_t percent_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::pair<Scope, std::string>, Bucket> buckets_ KMS_GUARDED_BY(mutex_);
};

}  // namespace kms::operations
