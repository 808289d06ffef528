#pragma once

// The only place that includes Cryptoki's header: PKCS#11 2.40 as p11-kit carries it, with its CK_
// names.
#include <p11-kit/pkcs11.h>

// The header leaves these lower-case macros behind, which would rewrite our own names.
#undef aad_len
#undef aad_ptr
#undef ck_rsa_pkcs_mgf_type_t
#undef ck_rsa_pkcs_oaep_source_type_t
#undef counter_bits
#undef data_params
#undef hash_alg
#undef iv_bits
#undef iv_len
#undef iv_ptr
#undef public_data
#undef public_data_len
#undef s_len
#undef shared_data
#undef shared_data_len
#undef source_data
#undef source_data_len
#undef string_data
#undef string_data_len
#undef tag_bits

// PKCS#11 3.x, which modules with a 2.40 function list return and accept all the same.
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP (0x210BUL)
#endif
#ifndef CKM_ML_DSA
#define CKM_ML_DSA_KEY_PAIR_GEN (0x1CUL)
#define CKM_ML_DSA (0x1DUL)
#define CKK_ML_DSA (0x4AUL)
#define CKA_PARAMETER_SET (0x61DUL)
#define CKP_ML_DSA_44 (1UL)
#define CKP_ML_DSA_65 (2UL)
#define CKP_ML_DSA_87 (3UL)
#endif
#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED (0x42UL)
#endif
#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED (0x201UL)
#endif
#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_OPERATION_CANCEL_FAILED (0x202UL)
#endif
