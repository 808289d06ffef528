#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/fakes/pkcs11_proxy/cryptoki.h"

/// All functions of PKCS#11 2.40 in the order of CK_FUNCTION_LIST, each with what its first
/// argument is: `session`, `slot` (of a token that must be present), `module` (neither), or
/// `blocking` (neither, and it may wait for ever).
#define KMS_PROXY_FUNCTIONS(X)      \
  X(C_Initialize, module)           \
  X(C_Finalize, module)             \
  X(C_GetInfo, module)              \
  X(C_GetFunctionList, module)      \
  X(C_GetSlotList, module)          \
  X(C_GetSlotInfo, module)          \
  X(C_GetTokenInfo, slot)           \
  X(C_GetMechanismList, slot)       \
  X(C_GetMechanismInfo, slot)       \
  X(C_InitToken, slot)              \
  X(C_InitPIN, session)             \
  X(C_SetPIN, session)              \
  X(C_OpenSession, slot)            \
  X(C_CloseSession, session)        \
  X(C_CloseAllSessions, slot)       \
  X(C_GetSessionInfo, session)      \
  X(C_GetOperationState, session)   \
  X(C_SetOperationState, session)   \
  X(C_Login, session)               \
  X(C_Logout, session)              \
  X(C_CreateObject, session)        \
  X(C_CopyObject, session)          \
  X(C_DestroyObject, session)       \
  X(C_GetObjectSize, session)       \
  X(C_GetAttributeValue, session)   \
  X(C_SetAttributeValue, session)   \
  X(C_FindObjectsInit, session)     \
  X(C_FindObjects, session)         \
  X(C_FindObjectsFinal, session)    \
  X(C_EncryptInit, session)         \
  X(C_Encrypt, session)             \
  X(C_EncryptUpdate, session)       \
  X(C_EncryptFinal, session)        \
  X(C_DecryptInit, session)         \
  X(C_Decrypt, session)             \
  X(C_DecryptUpdate, session)       \
  X(C_DecryptFinal, session)        \
  X(C_DigestInit, session)          \
  X(C_Digest, session)              \
  X(C_DigestUpdate, session)        \
  X(C_DigestKey, session)           \
  X(C_DigestFinal, session)         \
  X(C_SignInit, session)            \
  X(C_Sign, session)                \
  X(C_SignUpdate, session)          \
  X(C_SignFinal, session)           \
  X(C_SignRecoverInit, session)     \
  X(C_SignRecover, session)         \
  X(C_VerifyInit, session)          \
  X(C_Verify, session)              \
  X(C_VerifyUpdate, session)        \
  X(C_VerifyFinal, session)         \
  X(C_VerifyRecoverInit, session)   \
  X(C_VerifyRecover, session)       \
  X(C_DigestEncryptUpdate, session) \
  X(C_DecryptDigestUpdate, session) \
  X(C_SignEncryptUpdate, session)   \
  X(C_DecryptVerifyUpdate, session) \
  X(C_GenerateKey, session)         \
  X(C_GenerateKeyPair, session)     \
  X(C_WrapKey, session)             \
  X(C_UnwrapKey, session)           \
  X(C_DeriveKey, session)           \
  X(C_SeedRandom, session)          \
  X(C_GenerateRandom, session)      \
  X(C_GetFunctionStatus, session)   \
  X(C_CancelFunction, session)      \
  X(C_WaitForSlotEvent, blocking)

namespace pkcs11_proxy {

enum class Function : std::uint8_t {
#define KMS_PROXY_ENUMERATOR(name, kind) name,
  KMS_PROXY_FUNCTIONS(KMS_PROXY_ENUMERATOR)
#undef KMS_PROXY_ENUMERATOR
};

#define KMS_PROXY_ONE(name, kind) +1
constexpr std::size_t kFunctionCount = 0 KMS_PROXY_FUNCTIONS(KMS_PROXY_ONE);
#undef KMS_PROXY_ONE
static_assert(kFunctionCount == 68);

constexpr const char* kFunctionNames[] = {
#define KMS_PROXY_NAME(name, kind) #name,
    KMS_PROXY_FUNCTIONS(KMS_PROXY_NAME)
#undef KMS_PROXY_NAME
};

}  // namespace pkcs11_proxy
