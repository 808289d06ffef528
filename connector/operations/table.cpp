#include "connector/operations/table.h"

#include <algorithm>
#include <array>

namespace kms::operations {

extern const Operation kCancelKeyDeletion;
extern const Operation kConnectCustomKeyStore;
extern const Operation kCreateAlias;
extern const Operation kCreateCustomKeyStore;
extern const Operation kCreateGrant;
extern const Operation kCreateKey;
extern const Operation kDecrypt;
extern const Operation kDeleteAlias;
extern const Operation kDeleteCustomKeyStore;
extern const Operation kDeleteImportedKeyMaterial;
extern const Operation kDeriveSharedSecret;
extern const Operation kDescribeCustomKeyStores;
extern const Operation kDescribeKey;
extern const Operation kDisableKey;
extern const Operation kDisableKeyRotation;
extern const Operation kDisconnectCustomKeyStore;
extern const Operation kEnableKey;
extern const Operation kEnableKeyRotation;
extern const Operation kEncrypt;
extern const Operation kGenerateDataKey;
extern const Operation kGenerateDataKeyPair;
extern const Operation kGenerateDataKeyPairWithoutPlaintext;
extern const Operation kGenerateDataKeyWithoutPlaintext;
extern const Operation kGenerateMac;
extern const Operation kGenerateRandom;
extern const Operation kGetKeyLastUsage;
extern const Operation kGetKeyPolicy;
extern const Operation kGetKeyRotationStatus;
extern const Operation kGetParametersForImport;
extern const Operation kGetPublicKey;
extern const Operation kImportKeyMaterial;
extern const Operation kListAliases;
extern const Operation kListGrants;
extern const Operation kListKeyPolicies;
extern const Operation kListKeyRotations;
extern const Operation kListKeys;
extern const Operation kListResourceTags;
extern const Operation kListRetirableGrants;
extern const Operation kPutKeyPolicy;
extern const Operation kReEncrypt;
extern const Operation kReplicateKey;
extern const Operation kRetireGrant;
extern const Operation kRevokeGrant;
extern const Operation kRotateKeyOnDemand;
extern const Operation kScheduleKeyDeletion;
extern const Operation kSign;
extern const Operation kTagResource;
extern const Operation kUntagResource;
extern const Operation kUpdateAlias;
extern const Operation kUpdateCustomKeyStore;
extern const Operation kUpdateKeyDescription;
extern const Operation kUpdatePrimaryRegion;
extern const Operation kVerify;
extern const Operation kVerifyMac;

namespace {

// By name, so that a look-up can bisect.
const std::array kOperations{
    &kCancelKeyDeletion,
    &kConnectCustomKeyStore,
    &kCreateAlias,
    &kCreateCustomKeyStore,
    &kCreateGrant,
    &kCreateKey,
    &kDecrypt,
    &kDeleteAlias,
    &kDeleteCustomKeyStore,
    &kDeleteImportedKeyMaterial,
    &kDeriveSharedSecret,
    &kDescribeCustomKeyStores,
    &kDescribeKey,
    &kDisableKey,
    &kDisableKeyRotation,
    &kDisconnectCustomKeyStore,
    &kEnableKey,
    &kEnableKeyRotation,
    &kEncrypt,
    &kGenerateDataKey,
    &kGenerateDataKeyPair,
    &kGenerateDataKeyPairWithoutPlaintext,
    &kGenerateDataKeyWithoutPlaintext,
    &kGenerateMac,
    &kGenerateRandom,
    &kGetKeyLastUsage,
    &kGetKeyPolicy,
    &kGetKeyRotationStatus,
    &kGetParametersForImport,
    &kGetPublicKey,
    &kImportKeyMaterial,
    &kListAliases,
    &kListGrants,
    &kListKeyPolicies,
    &kListKeyRotations,
    &kListKeys,
    &kListResourceTags,
    &kListRetirableGrants,
    &kPutKeyPolicy,
    &kReEncrypt,
    &kReplicateKey,
    &kRetireGrant,
    &kRevokeGrant,
    &kRotateKeyOnDemand,
    &kScheduleKeyDeletion,
    &kSign,
    &kTagResource,
    &kUntagResource,
    &kUpdateAlias,
    &kUpdateCustomKeyStore,
    &kUpdateKeyDescription,
    &kUpdatePrimaryRegion,
    &kVerify,
    &kVerifyMac,
};

}  // namespace

std::span<const Operation* const> operations() { return kOperations; }

const Operation* find_operation(std::string_view name) {
  const auto by_name = [](const Operation* operation) { return operation->name; };
  const auto* found = std::ranges::lower_bound(kOperations, name, {}, by_name);
  return found != kOperations.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace kms::operations
