#include "connector/operations/reference.h"

#include <algorithm>
#include <array>

namespace kms::operations {
namespace {

constexpr std::string_view kNothing = "nothing";
constexpr std::string_view kGcmOrOaep =
    "AES-GCM; RSA: OAEP with the hash of the algorithm, or raw RSA";
constexpr std::string_view kGcmAndRandom = "AES-GCM, random numbers";
constexpr std::string_view kPair =
    "AES-GCM; generation of session key pairs of the spec, exportable";
constexpr std::string_view kHmac = "HMAC with the hash of the key spec";
constexpr std::string_view kGenerate = "AES key generation";
constexpr std::string_view kImport =
    "RSA key pair generation, OAEP or raw RSA, AES key wrap with padding";
constexpr std::string_view kTransport =
    "AES key wrap with padding, OAEP (SHA-1), in both Regions' tokens";

constexpr std::array kNeeds{
    Need{"CancelKeyDeletion", kNothing},
    Need{"ConnectCustomKeyStore", "a login; AES key generation, AES-GCM, tried at connect"},
    Need{"CreateAlias", kNothing},
    Need{"CreateCustomKeyStore", "of the Region's token: AES-GCM, to seal the password"},
    Need{"CreateGrant", kNothing},
    Need{"CreateKey",
         "generation of keys of the spec; AES key wrap with padding, or room for token objects"},
    Need{"Decrypt", kGcmOrOaep},
    Need{"DeleteAlias", kNothing},
    Need{"DeleteCustomKeyStore", kNothing},
    Need{"DeleteImportedKeyMaterial", "destruction of objects, where the material is one"},
    Need{"DeriveSharedSecret", "ECDH (CKM_ECDH1_DERIVE) on the curve"},
    Need{"DescribeCustomKeyStores", kNothing},
    Need{"DescribeKey", kNothing},
    Need{"DisableKey", kNothing},
    Need{"DisableKeyRotation", kNothing},
    Need{"DisconnectCustomKeyStore", kNothing},
    Need{"EnableKey", kNothing},
    Need{"EnableKeyRotation", kNothing},
    Need{"Encrypt", kGcmOrOaep},
    Need{"GenerateDataKey", kGcmAndRandom},
    Need{"GenerateDataKeyPair", kPair},
    Need{"GenerateDataKeyPairWithoutPlaintext", kPair},
    Need{"GenerateDataKeyWithoutPlaintext", kGcmAndRandom},
    Need{"GenerateMac", kHmac},
    Need{"GenerateRandom", "random numbers"},
    Need{"GetKeyLastUsage", kNothing},
    Need{"GetKeyPolicy", kNothing},
    Need{"GetKeyRotationStatus", kNothing},
    Need{"GetParametersForImport", kImport},
    Need{"GetPublicKey", "nothing: the public key is in the record"},
    Need{"ImportKeyMaterial", kImport},
    Need{"ListAliases", kNothing},
    Need{"ListGrants", kNothing},
    Need{"ListKeyPolicies", kNothing},
    Need{"ListKeyRotations", kNothing},
    Need{"ListKeys", kNothing},
    Need{"ListResourceTags", kNothing},
    Need{"ListRetirableGrants", kNothing},
    Need{"PutKeyPolicy", kNothing},
    Need{"ReEncrypt", kGcmOrOaep},
    Need{"ReplicateKey", kTransport},
    Need{"RetireGrant", kNothing},
    Need{"RevokeGrant", kNothing},
    Need{"RotateKeyOnDemand", kGenerate},
    Need{"ScheduleKeyDeletion", "nothing; at the date, destruction of objects"},
    Need{"Sign",
         "RSA PKCS #1 v1.5, RSA-PSS, ECDSA, EdDSA or ML-DSA, as the key; the hash where a message "
         "is sent whole"},
    Need{"TagResource", kNothing},
    Need{"UntagResource", kNothing},
    Need{"UpdateAlias", kNothing},
    Need{"UpdateCustomKeyStore", "of the Region's token: AES-GCM, to seal a new password"},
    Need{"UpdateKeyDescription", kNothing},
    Need{"UpdatePrimaryRegion", kNothing},
    Need{"Verify", "as Sign"},
    Need{"VerifyMac", kHmac},
};
static_assert(std::ranges::is_sorted(kNeeds, {}, &Need::operation));

}  // namespace

std::span<const Need> needs() { return kNeeds; }

std::string reference() {
  std::string table = "| Operation | Of the token it needs |\n|---|---|\n";
  for (const Need& need : kNeeds) {
    table.append("| ").append(need.operation).append(" | ");
    table.append(need.of_token).append(" |\n");
  }
  return table;
}

}  // namespace kms::operations
