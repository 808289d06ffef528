#include "pkcs11/templates.h"

#include "pkcs11/gcm.h"

namespace pkcs11::templates {
namespace {

struct Use {
  bool token;
  bool extractable;
  bool encrypts;
  bool wraps;
};

// Every usage is spelt out: what a token takes for granted where one is left out differs.
Attributes aes(const Use& use) {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_SECRET_KEY)
      .add(CKA_KEY_TYPE, CKK_AES)
      .flag(CKA_TOKEN, use.token)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, use.extractable)
      .flag(CKA_ENCRYPT, use.encrypts)
      .flag(CKA_DECRYPT, use.encrypts)
      .flag(CKA_WRAP, use.wraps)
      .flag(CKA_UNWRAP, use.wraps)
      .flag(CKA_SIGN, false)
      .flag(CKA_VERIFY, false)
      .flag(CKA_DERIVE, false);
  return wanted;
}

Attributes sized(Attributes wanted) {
  wanted.add(CKA_VALUE_LEN, CK_ULONG{kAes256Bytes});
  return wanted;
}

Attributes named(Attributes wanted, const ObjectId& id, std::string_view label) {
  wanted.add(CKA_ID, ByteView(id)).add(CKA_LABEL, label);
  return wanted;
}

}  // namespace

Attributes token_key(const ObjectId& id, std::string_view label) {
  return named(sized(aes({.token = true, .extractable = false, .encrypts = true, .wraps = false})),
               id, label);
}

Attributes key_encryption_key(const ObjectId& id) {
  return named(sized(aes({.token = true, .extractable = false, .encrypts = false, .wraps = true})),
               id, kKekLabel);
}

Attributes session_key() {
  return sized(aes({.token = false, .extractable = false, .encrypts = true, .wraps = false}));
}

Attributes extractable_session_key() {
  return sized(aes({.token = false, .extractable = true, .encrypts = true, .wraps = false}));
}

Attributes wrapping_session_key() {
  return sized(aes({.token = false, .extractable = false, .encrypts = false, .wraps = true}));
}

Attributes known_wrapping_key(ByteView value) {
  Attributes wanted = aes({.token = false, .extractable = false, .encrypts = false, .wraps = true});
  wanted.add(CKA_VALUE, value);
  return wanted;
}

Attributes unwrapped_key() {
  return aes({.token = false, .extractable = false, .encrypts = true, .wraps = false});
}

Attributes secret_keys() {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_TOKEN, true);
  return wanted;
}

Attributes secret_key(const ObjectId& id) {
  Attributes wanted;
  wanted.add(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_TOKEN, true).add(CKA_ID, ByteView(id));
  return wanted;
}

}  // namespace pkcs11::templates
