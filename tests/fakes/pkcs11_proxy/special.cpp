#include "tests/fakes/pkcs11_proxy/special.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pkcs11_proxy {
namespace {

constexpr std::size_t kInParamIvSize = 12;
constexpr std::size_t kAppendedIvSize = 16;

/// The way Cryptoki hands out a list: the size alone, too small a buffer, or all of it.
template <class T>
CK_RV hand_out(const std::vector<T>& values, T* list, unsigned long* size) {
  const unsigned long room = *size;
  *size = values.size();
  if (list == nullptr) return CKR_OK;
  if (room < values.size()) return CKR_BUFFER_TOO_SMALL;
  std::copy(values.begin(), values.end(), list);
  return CKR_OK;
}

std::vector<unsigned char> random_bytes(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  if (::getrandom(bytes.data(), size, 0) != static_cast<ssize_t>(size)) misuse("getrandom failed");
  return bytes;
}

bool is_key_value(CK_ATTRIBUTE_TYPE type) {
  constexpr std::array kValues{CKA_VALUE,      CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                               CKA_EXPONENT_1, CKA_EXPONENT_2,       CKA_COEFFICIENT};
  return std::find(kValues.begin(), kValues.end(), type) != kValues.end();
}

/// Runs an operation that ends with ciphertext and puts the token's IV behind it.
template <class Operation>
CK_RV with_appended_iv(Session& session, unsigned char* out, unsigned long* out_size,
                       const Operation& operation) {
  const std::size_t iv_size = session.gcm_iv.size();
  unsigned long needed = 0;
  CK_RV rv = operation(nullptr, &needed);
  if (rv != CKR_OK) {
    session.gcm_iv.clear();
    return rv;
  }
  const unsigned long room = *out_size;
  *out_size = needed + iv_size;
  if (out == nullptr) return CKR_OK;
  if (room < needed + iv_size) return CKR_BUFFER_TOO_SMALL;
  *out_size = needed;
  rv = operation(out, out_size);
  if (rv == CKR_OK) {
    std::copy(session.gcm_iv.begin(), session.gcm_iv.end(), out + *out_size);
    *out_size += iv_size;
  }
  session.gcm_iv.clear();
  return rv;
}

}  // namespace

CK_RV initialize(Call& call, void* args) {
  const CK_RV rv = target().C_Initialize(args);
  call.faults.tokens().forget_labels();
  return rv;
}

CK_RV finalize(Call& call, void* reserved) {
  const CK_RV rv = target().C_Finalize(reserved);
  if (rv == CKR_OK) call.faults.tokens().finalized();
  return rv;
}

CK_RV get_slot_list(Call& call, unsigned char present, CK_SLOT_ID* list, unsigned long* size) {
  if (size == nullptr) return CKR_ARGUMENTS_BAD;
  // SoftHSM makes a new empty slot when it is asked for the size, so that comes first.
  unsigned long known = 0;
  CK_RV rv = target().C_GetSlotList(present, nullptr, &known);
  if (rv != CKR_OK) return rv;
  std::vector<CK_SLOT_ID> slots(known);
  rv = target().C_GetSlotList(present, slots.data(), &known);
  if (rv != CKR_OK) return rv;
  slots.resize(known);
  if (present != 0) {
    std::erase_if(slots, [&](CK_SLOT_ID slot) { return call.faults.tokens().absent(slot); });
  }
  return hand_out(slots, list, size);
}

CK_RV get_slot_info(Call& call, CK_SLOT_ID slot, CK_SLOT_INFO* info) {
  const CK_RV rv = target().C_GetSlotInfo(slot, info);
  if (rv == CKR_OK && call.faults.tokens().absent(slot)) info->flags &= ~CKF_TOKEN_PRESENT;
  return rv;
}

CK_RV get_mechanism_list(Call& call, CK_SLOT_ID slot, CK_MECHANISM_TYPE* list,
                         unsigned long* size) {
  if (size == nullptr) return CKR_ARGUMENTS_BAD;
  unsigned long known = 0;
  CK_RV rv = target().C_GetMechanismList(slot, nullptr, &known);
  if (rv != CKR_OK) return rv;
  std::vector<CK_MECHANISM_TYPE> mechanisms(known);
  rv = target().C_GetMechanismList(slot, mechanisms.data(), &known);
  if (rv != CKR_OK) return rv;
  mechanisms.resize(known);
  std::erase_if(mechanisms, [&](CK_MECHANISM_TYPE type) { return call.faults.hidden(type); });
  return hand_out(mechanisms, list, size);
}

CK_RV get_mechanism_info(Call& call, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                         CK_MECHANISM_INFO* info) {
  if (call.faults.hidden(type)) return CKR_MECHANISM_INVALID;
  return target().C_GetMechanismInfo(slot, type, info);
}

CK_RV init_token(Call& call, CK_SLOT_ID slot, unsigned char* pin, unsigned long pin_len,
                 unsigned char* label) {
  const CK_RV rv = target().C_InitToken(slot, pin, pin_len, label);
  call.faults.tokens().forget_labels();
  return rv;
}

CK_RV open_session(Call& call, CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session) {
  if ((flags & CKF_RW_SESSION) == 0 && !call.faults.read_only_sessions()) {
    return CKR_FUNCTION_FAILED;
  }
  return call.faults.tokens().open(slot, flags, application, notify, session);
}

CK_RV get_attribute_value(Call& call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE* attributes, unsigned long size) {
  const bool asks = attributes != nullptr &&
                    std::any_of(attributes, attributes + size, [](const CK_ATTRIBUTE& attribute) {
                      return is_key_value(attribute.type);
                    });
  if (asks) {
    CK_OBJECT_CLASS object_class = CKO_DATA;
    CK_BBOOL sensitive = CK_FALSE;
    CK_BBOOL on_token = CK_FALSE;
    std::array<CK_ATTRIBUTE, 3> query{{{CKA_CLASS, &object_class, sizeof object_class},
                                       {CKA_SENSITIVE, &sensitive, sizeof sensitive},
                                       {CKA_TOKEN, &on_token, sizeof on_token}}};
    // Objects without CKA_SENSITIVE answer an error here, and the rest all the same.
    target().C_GetAttributeValue(session, object, query.data(), query.size());
    const bool secret = object_class == CKO_SECRET_KEY || object_class == CKO_PRIVATE_KEY;
    // What a key agreement gives is a session object that is made to be read.
    if (secret && (sensitive != CK_FALSE || on_token != CK_FALSE)) {
      call.faults.trip("the value of a sensitive key is read");
    }
  }
  return target().C_GetAttributeValue(session, object, attributes, size);
}

CK_RV encrypt_init(Call& call, CK_SESSION_HANDLE session, CK_MECHANISM* mechanism,
                   CK_OBJECT_HANDLE key) {
  const GcmIv mode = call.faults.gcm_iv();
  if (mode == GcmIv::host || call.session == nullptr || mechanism == nullptr ||
      mechanism->mechanism != CKM_AES_GCM || mechanism->ulParameterLen != sizeof(CK_GCM_PARAMS)) {
    return target().C_EncryptInit(session, mechanism, key);
  }
  const auto* const asked = static_cast<const CK_GCM_PARAMS*>(mechanism->pParameter);
  if (mode == GcmIv::in_param && (asked->pIv == nullptr || asked->ulIvLen < kInParamIvSize)) {
    return CKR_MECHANISM_PARAM_INVALID;
  }
  std::vector<unsigned char> iv =
      random_bytes(mode == GcmIv::in_param ? kInParamIvSize : kAppendedIvSize);
  CK_GCM_PARAMS used = *asked;
  used.pIv = iv.data();
  used.ulIvLen = iv.size();
  used.ulIvBits = iv.size() * 8;
  CK_MECHANISM changed{mechanism->mechanism, &used, sizeof used};
  const CK_RV rv = target().C_EncryptInit(session, &changed, key);
  if (rv != CKR_OK) return rv;
  if (mode == GcmIv::in_param) {
    std::copy(iv.begin(), iv.end(), asked->pIv);
  } else {
    call.session->gcm_iv = std::move(iv);
  }
  return rv;
}

CK_RV encrypt(Call& call, CK_SESSION_HANDLE session, unsigned char* data, unsigned long size,
              unsigned char* out, unsigned long* out_size) {
  if (call.session == nullptr || call.session->gcm_iv.empty()) {
    return target().C_Encrypt(session, data, size, out, out_size);
  }
  return with_appended_iv(*call.session, out, out_size, [&](unsigned char* to, unsigned long* len) {
    return target().C_Encrypt(session, data, size, to, len);
  });
}

CK_RV encrypt_final(Call& call, CK_SESSION_HANDLE session, unsigned char* out,
                    unsigned long* out_size) {
  if (call.session == nullptr || call.session->gcm_iv.empty()) {
    return target().C_EncryptFinal(session, out, out_size);
  }
  return with_appended_iv(*call.session, out, out_size, [&](unsigned char* to, unsigned long* len) {
    return target().C_EncryptFinal(session, to, len);
  });
}

}  // namespace pkcs11_proxy
