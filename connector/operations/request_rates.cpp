#include "connector/operations/request_rates.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "connector/api/error.h"

namespace kms::operations {
namespace {

struct Rate {
  std::string_view operation;
  std::uint32_t per_second;
};

// Developer Guide, "Request quotas". What is not listed has kOther.
constexpr std::uint32_t kOther = 5;
constexpr std::array kRates{
    Rate{"CreateGrant", 50},
    Rate{"DeleteAlias", 15},
    Rate{"DeleteImportedKeyMaterial", 15},
    Rate{"DescribeKey", 2000},
    Rate{"EnableKeyRotation", 15},
    Rate{"GetKeyPolicy", 1000},
    Rate{"GetKeyRotationStatus", 1000},
    Rate{"GetParametersForImport", 1},
    Rate{"GetPublicKey", 2000},
    Rate{"ImportKeyMaterial", 15},
    Rate{"ListAliases", 500},
    Rate{"ListGrants", 100},
    Rate{"ListKeyPolicies", 100},
    Rate{"ListKeyRotations", 100},
    Rate{"ListKeys", 500},
    Rate{"ListResourceTags", 2000},
    Rate{"ListRetirableGrants", 100},
    Rate{"PutKeyPolicy", 15},
    Rate{"RetireGrant", 50},
    Rate{"RevokeGrant", 50},
    Rate{"ScheduleKeyDeletion", 15},
    Rate{"TagResource", 10},
};
static_assert(std::ranges::is_sorted(kRates, {}, &Rate::operation));

// Their quotas are those of the keys they use, and of the key stores.
constexpr std::array<std::string_view, 11> kCryptographic{
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
};
static_assert(std::ranges::is_sorted(kCryptographic));

constexpr Rate kSymmetric{"symmetric", 10000};
constexpr Rate kRsa{"RSA", 1000};
constexpr Rate kEcc{"ECC", 1000};
constexpr Rate kMlDsa{"ML-DSA", 1000};
constexpr std::uint32_t kCustomKeyStore = 1800;

/// The quotas of data key pairs are those of what is made.
constexpr std::string_view kDataKeyPair = "GenerateDataKeyPair";

std::uint32_t rate_of(api::DataKeyPairSpec pair) {
  switch (pair) {
    case api::DataKeyPairSpec::rsa_2048:
      return 20;
    case api::DataKeyPairSpec::rsa_3072:
      return 4;
    case api::DataKeyPairSpec::rsa_4096:
      return 1;
    case api::DataKeyPairSpec::sm2:
      return 25;
    case api::DataKeyPairSpec::ecc_nist_p256:
    case api::DataKeyPairSpec::ecc_nist_p384:
    case api::DataKeyPairSpec::ecc_nist_p521:
    case api::DataKeyPairSpec::ecc_secg_p256k1:
    case api::DataKeyPairSpec::ecc_nist_edwards25519:
      return 100;
  }
  return 1;
}

bool is_cryptographic(std::string_view operation) {
  return std::ranges::binary_search(kCryptographic, operation);
}

const Rate& class_of(const keys::KeyRecord& key) {
  const std::string_view spec = api::to_string(key.spec);
  if (spec.starts_with("RSA_")) return kRsa;
  if (spec.starts_with("ML_DSA_")) return kMlDsa;
  if (spec.starts_with("ECC_") || spec == "SM2") return kEcc;
  return kSymmetric;
}

/// A custom key store has one quota for all.
Rate rate_in(std::string_view custom_key_store_id, const Rate& elsewhere) {
  return custom_key_store_id.empty() ? elsewhere : Rate{custom_key_store_id, kCustomKeyStore};
}

}  // namespace

void RequestRates::admit(const Scope& scope, std::string_view operation) {
  const bool by_key = is_cryptographic(operation) || operation.starts_with(kDataKeyPair);
  if (percent_ == 0 || by_key) return;
  const auto* const row = std::ranges::lower_bound(kRates, operation, {}, &Rate::operation);
  const bool listed = row != kRates.end() && row->operation == operation;
  take(scope, std::string(operation), listed ? row->per_second : kOther);
}

void RequestRates::admit_replica(const Scope& replica) {
  if (percent_ != 0) take(replica, "CreateKey", kOther, 2);
}

void RequestRates::admit(const Scope& scope, api::DataKeyPairSpec pair) {
  if (percent_ == 0) return;
  take(scope, std::string(kDataKeyPair).append(" ").append(api::to_string(pair)), rate_of(pair));
}

void RequestRates::admit(const Scope& scope, std::string_view operation,
                         const keys::KeyRecord& key) {
  if (percent_ == 0 || !is_cryptographic(operation)) return;
  const Rate rate = rate_in(key.custom_key_store_id, class_of(key));
  take(scope, std::string(rate.operation), rate.per_second);
}

void RequestRates::admit_random(const Scope& scope, const std::string& custom_key_store_id) {
  if (percent_ == 0) return;
  const Rate rate = rate_in(custom_key_store_id, kSymmetric);
  take(scope, std::string(rate.operation), rate.per_second);
}

void RequestRates::take(const Scope& scope, std::string name, std::uint32_t per_second,
                        double requests) {
  const double rate = static_cast<double>(per_second) * static_cast<double>(percent_) / 100;
  const double capacity = std::max(rate, 1.0);
  const Timestamp now = clock_.now();
  const MutexLock lock(mutex_);
  const auto [it, first] =
      buckets_.try_emplace({scope, std::move(name)}, Bucket{.tokens = capacity, .filled = now});
  Bucket& bucket = it->second;
  if (!first && now > bucket.filled) {
    const std::chrono::duration<double> passed = now - bucket.filled;
    bucket.tokens = std::min(capacity, bucket.tokens + passed.count() * rate);
  }
  bucket.filled = now;
  // A full bucket is enough for what counts as more than it holds.
  if (bucket.tokens < std::min(requests, capacity)) throw api::throttled();
  bucket.tokens -= requests;
}

}  // namespace kms::operations
