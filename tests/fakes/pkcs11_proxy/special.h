#pragma once

#include "tests/fakes/pkcs11_proxy/faults.h"

// The functions that do more than forward. Called with the gate passed and the session or slot
// checked.
namespace pkcs11_proxy {

/// One call on its way; `session` is null where there is none or the proxy does not know it.
struct Call {
  Faults& faults;
  Tokens::SessionPtr session;
};

CK_RV initialize(Call& call, void* args);
CK_RV finalize(Call& call, void* reserved);
CK_RV get_slot_list(Call& call, unsigned char present, CK_SLOT_ID* list, unsigned long* size);
CK_RV get_slot_info(Call& call, CK_SLOT_ID slot, CK_SLOT_INFO* info);
CK_RV get_mechanism_list(Call& call, CK_SLOT_ID slot, CK_MECHANISM_TYPE* list, unsigned long* size);
CK_RV get_mechanism_info(Call& call, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                         CK_MECHANISM_INFO* info);
CK_RV init_token(Call& call, CK_SLOT_ID slot, unsigned char* pin, unsigned long pin_len,
                 unsigned char* label);
CK_RV open_session(Call& call, CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session);
CK_RV get_attribute_value(Call& call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE* attributes, unsigned long size);
CK_RV encrypt_init(Call& call, CK_SESSION_HANDLE session, CK_MECHANISM* mechanism,
                   CK_OBJECT_HANDLE key);
CK_RV encrypt(Call& call, CK_SESSION_HANDLE session, unsigned char* data, unsigned long size,
              unsigned char* out, unsigned long* out_size);
CK_RV encrypt_final(Call& call, CK_SESSION_HANDLE session, unsigned char* out,
                    unsigned long* out_size);

}  // namespace pkcs11_proxy
