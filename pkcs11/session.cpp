#include "pkcs11/session.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "pkcs11/gcm.h"

namespace pkcs11 {
namespace {

constexpr std::size_t kFindBatch = 64;

/// Cryptoki's parameters lack const, and some modules dislike a null pointer even where the length
/// is 0.
CK_BYTE* in(ByteView bytes) {
  static CK_BYTE nothing = 0;
  return bytes.empty() ? &nothing : const_cast<CK_BYTE*>(bytes.data());
}

/// An attribute that is there and complete.
bool present(const CK_ATTRIBUTE& attribute) {
  return attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION;
}

/// C_GetAttributeValue goes on to the other attributes after these (PKCS#11 2.40, section 5.7).
bool partial(CK_RV rv) {
  return rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
         rv == CKR_BUFFER_TOO_SMALL;
}

/// A Big integer's magnitude.
Bytes without_zeros(const std::uint8_t* bytes, std::size_t size) {
  const auto* const first =
      std::find_if(bytes, bytes + size, [](std::uint8_t byte) { return byte != 0; });
  return {first, bytes + size};
}

/// Longest output of a signature, and of an attribute.
constexpr std::size_t kSignatureMost = 5120;
constexpr std::size_t kAttributeMost = 4096;

CK_MECHANISM ck(const Mechanism& mechanism) {
  return {mechanism.type, mechanism.parameter, mechanism.parameter_bytes};
}

}  // namespace

Session::Session(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot)
    : functions_(functions), slot_(slot) {
  reopen();
}

Session::~Session() { close(); }

void Session::close() noexcept {
  if (open_) functions_.C_CloseSession(handle_);
  open_ = false;
  busy_ = true;
}

void Session::reopen() {
  close();
  // Read/write always: some tokens (CloudHSM) have no other sessions, and generating keys needs
  // them.
  check(functions_.C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                 &handle_),
        "C_OpenSession");
  open_ = true;
  busy_ = false;
}

void Session::begun(CK_RV rv, const char* function) {
  check(rv, function);
  busy_ = true;
}

CK_RV Session::login(ByteView pin) noexcept {
  return functions_.C_Login(handle_, CKU_USER, in(pin), pin.size());
}

void Session::logout() noexcept { functions_.C_Logout(handle_); }

CK_STATE Session::state() {
  CK_SESSION_INFO info{};
  check(functions_.C_GetSessionInfo(handle_, &info), "C_GetSessionInfo");
  return info.state;
}

std::vector<CK_OBJECT_HANDLE> Session::find(Attributes&& wanted) {
  begun(functions_.C_FindObjectsInit(handle_, wanted.data(), wanted.size()), "C_FindObjectsInit");
  std::vector<CK_OBJECT_HANDLE> found;
  for (;;) {
    std::array<CK_OBJECT_HANDLE, kFindBatch> batch{};
    CK_ULONG number = 0;
    check(functions_.C_FindObjects(handle_, batch.data(), batch.size(), &number), "C_FindObjects");
    if (number == 0) break;
    found.insert(
        found.end(), batch.begin(),
        batch.begin() + static_cast<std::ptrdiff_t>(std::min<CK_ULONG>(number, kFindBatch)));
  }
  check(functions_.C_FindObjectsFinal(handle_), "C_FindObjectsFinal");
  busy_ = false;
  return found;
}

std::optional<ObjectInfo> Session::inspect(CK_OBJECT_HANDLE object) {
  ObjectInfo info;
  info.handle = object;
  std::array<std::uint8_t, 64> id{};
  std::array<char, 512> label{};
  std::array<std::uint8_t, 512> modulus{};
  std::array<std::uint8_t, 64> curve{};
  CK_ULONG bytes = 0;
  CK_ULONG set = 0;
  std::array wanted{CK_ATTRIBUTE{CKA_ID, id.data(), id.size()},
                    CK_ATTRIBUTE{CKA_LABEL, label.data(), label.size()},
                    CK_ATTRIBUTE{CKA_KEY_TYPE, &info.type, sizeof info.type},
                    CK_ATTRIBUTE{CKA_VALUE_LEN, &bytes, sizeof bytes},
                    CK_ATTRIBUTE{CKA_MODULUS, modulus.data(), modulus.size()},
                    CK_ATTRIBUTE{CKA_EC_PARAMS, curve.data(), curve.size()},
                    CK_ATTRIBUTE{CKA_PARAMETER_SET, &set, sizeof set}};
  const CK_RV rv = functions_.C_GetAttributeValue(handle_, object, wanted.data(), wanted.size());
  if (rv == CKR_OBJECT_HANDLE_INVALID) return std::nullopt;
  if (!partial(rv)) check(rv, "C_GetAttributeValue");
  if (present(wanted[0])) info.id.assign(id.data(), id.data() + wanted[0].ulValueLen);
  if (present(wanted[1])) info.label.assign(label.data(), wanted[1].ulValueLen);
  if (!present(wanted[2])) info.type = CK_UNAVAILABLE_INFORMATION;
  if (present(wanted[3])) info.bytes = bytes;
  if (present(wanted[4])) info.modulus = without_zeros(modulus.data(), wanted[4].ulValueLen);
  if (present(wanted[5])) info.curve.assign(curve.data(), curve.data() + wanted[5].ulValueLen);
  if (present(wanted[6])) info.parameter_set = set;
  return info;
}

bool Session::flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_BBOOL value = CK_FALSE;
  CK_ATTRIBUTE wanted{type, &value, sizeof value};
  const CK_RV rv = functions_.C_GetAttributeValue(handle_, object, &wanted, 1);
  if (partial(rv)) return false;
  check(rv, "C_GetAttributeValue");
  return value != CK_FALSE;
}

Bytes Session::read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  Bytes value(kAttributeMost);
  CK_ATTRIBUTE wanted{type, value.data(), value.size()};
  check(functions_.C_GetAttributeValue(handle_, object, &wanted, 1), "C_GetAttributeValue");
  value.resize(std::min<std::size_t>(wanted.ulValueLen, kAttributeMost));
  return value;
}

SecretBytes Session::read_value(CK_OBJECT_HANDLE object) {
  SecretBytes value(kAttributeMost);
  CK_ATTRIBUTE wanted{CKA_VALUE, value.data(), value.size()};
  check(functions_.C_GetAttributeValue(handle_, object, &wanted, 1), "C_GetAttributeValue");
  value.resize(std::min<std::size_t>(wanted.ulValueLen, kAttributeMost));
  return value;
}

CK_OBJECT_HANDLE Session::generate_key(const Mechanism& mechanism, Attributes&& wanted) {
  CK_MECHANISM how = ck(mechanism);
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  check(functions_.C_GenerateKey(handle_, &how, wanted.data(), wanted.size(), &key),
        "C_GenerateKey");
  return key;
}

KeyPair Session::generate_pair(const Mechanism& mechanism, Attributes&& public_key,
                               Attributes&& private_key) {
  CK_MECHANISM how = ck(mechanism);
  KeyPair pair;
  check(functions_.C_GenerateKeyPair(handle_, &how, public_key.data(), public_key.size(),
                                     private_key.data(), private_key.size(), &pair.public_key,
                                     &pair.private_key),
        "C_GenerateKeyPair");
  return pair;
}

CK_OBJECT_HANDLE Session::create(Attributes&& wanted) {
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  check(functions_.C_CreateObject(handle_, wanted.data(), wanted.size(), &object),
        "C_CreateObject");
  return object;
}

void Session::destroy(CK_OBJECT_HANDLE object) {
  check(functions_.C_DestroyObject(handle_, object), "C_DestroyObject");
}

bool Session::is_native(CK_OBJECT_HANDLE key) {
  return flag(key, CKA_LOCAL) && flag(key, CKA_ALWAYS_SENSITIVE) &&
         flag(key, CKA_NEVER_EXTRACTABLE);
}

Bytes Session::wrap(const Mechanism& mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key) {
  CK_MECHANISM how = ck(mechanism);
  // Fixed room instead of a size query: that costs a round trip, and some modules answer it
  // wrongly.
  Bytes blob(8192);
  CK_ULONG size = blob.size();
  check(functions_.C_WrapKey(handle_, &how, kek, key, blob.data(), &size), "C_WrapKey");
  blob.resize(size);
  return blob;
}

CK_OBJECT_HANDLE Session::unwrap(const Mechanism& mechanism, CK_OBJECT_HANDLE kek, ByteView blob,
                                 Attributes&& wanted) {
  CK_MECHANISM how = ck(mechanism);
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  check(functions_.C_UnwrapKey(handle_, &how, kek, in(blob), blob.size(), wanted.data(),
                               wanted.size(), &key),
        "C_UnwrapKey");
  return key;
}

CK_OBJECT_HANDLE Session::derive(const Mechanism& mechanism, CK_OBJECT_HANDLE base,
                                 Attributes&& wanted) {
  CK_MECHANISM how = ck(mechanism);
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  check(functions_.C_DeriveKey(handle_, &how, base, wanted.data(), wanted.size(), &key),
        "C_DeriveKey");
  return key;
}

Bytes Session::digest(const Mechanism& mechanism, ByteView message) {
  CK_MECHANISM how = ck(mechanism);
  begun(functions_.C_DigestInit(handle_, &how), "C_DigestInit");
  std::array<std::uint8_t, 64> out;
  CK_ULONG size = out.size();
  check(functions_.C_Digest(handle_, in(message), message.size(), out.data(), &size), "C_Digest");
  busy_ = false;
  return {out.data(), out.data() + std::min<std::size_t>(size, out.size())};
}

Bytes Session::sign(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView data) {
  CK_MECHANISM how = ck(mechanism);
  begun(functions_.C_SignInit(handle_, &how, key), "C_SignInit");
  std::array<std::uint8_t, kSignatureMost> out;
  CK_ULONG size = out.size();
  check(functions_.C_Sign(handle_, in(data), data.size(), out.data(), &size), "C_Sign");
  busy_ = false;
  const std::size_t made = std::min<std::size_t>(size, out.size());
  Bytes signature(out.data(), out.data() + made);
  OPENSSL_cleanse(out.data(), made);  // some MACs are secrets
  return signature;
}

bool Session::verify(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView data,
                     ByteView signature) {
  CK_MECHANISM how = ck(mechanism);
  begun(functions_.C_VerifyInit(handle_, &how, key), "C_VerifyInit");
  const CK_RV rv =
      functions_.C_Verify(handle_, in(data), data.size(), in(signature), signature.size());
  // PKCS#11 2.40, section 5.13: any answer ends the operation.
  busy_ = false;
  // SoftHSM answers nothing else to a signature that is wrong in any way.
  if (rv == CKR_SIGNATURE_INVALID || rv == CKR_SIGNATURE_LEN_RANGE) return false;
  check(rv, "C_Verify");
  return true;
}

Bytes Session::encrypt(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView plaintext,
                       std::size_t room) {
  CK_MECHANISM how = ck(mechanism);
  begun(functions_.C_EncryptInit(handle_, &how, key), "C_EncryptInit");
  Bytes out(room);
  CK_ULONG size = out.size();
  check(functions_.C_Encrypt(handle_, in(plaintext), plaintext.size(), out.data(), &size),
        "C_Encrypt");
  busy_ = false;
  out.resize(std::min<std::size_t>(size, room));
  return out;
}

Decrypted Session::decrypt(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView ciphertext,
                           std::size_t room) {
  CK_MECHANISM how = ck(mechanism);
  begun(functions_.C_DecryptInit(handle_, &how, key), "C_DecryptInit");
  Decrypted out{CKR_OK, SecretBytes(room)};
  CK_ULONG size = room;
  out.rv =
      functions_.C_Decrypt(handle_, in(ciphertext), ciphertext.size(), out.plaintext.data(), &size);
  // PKCS#11 2.40, section 5.9: any other answer ends the operation.
  busy_ = out.rv == CKR_BUFFER_TOO_SMALL;
  if (out.rv == CKR_OK) {
    out.plaintext.resize(std::min<std::size_t>(size, room));
  } else {
    out.plaintext.clear();
  }
  return out;
}

void Session::random(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  check(functions_.C_GenerateRandom(handle_, out.data(), out.size()), "C_GenerateRandom");
}

GcmCiphertext Session::gcm_encrypt(CK_OBJECT_HANDLE key, GcmIv mode, ByteView iv,
                                   ByteView plaintext, ByteView aad) {
  GcmCiphertext out;
  // Where the token makes the IV it wants room for one, with zeros in it.
  out.iv.resize(kGcmIvBytes);
  if (mode == GcmIv::host) out.iv.assign(iv.begin(), iv.end());
  CK_GCM_PARAMS params{out.iv.data(), out.iv.size(), out.iv.size() * 8,
                       in(aad),       aad.size(),    kGcmTagBytes * 8};
  CK_MECHANISM how{CKM_AES_GCM, &params, sizeof params};
  begun(functions_.C_EncryptInit(handle_, &how, key), "C_EncryptInit");

  const std::size_t expected = plaintext.size() + kGcmTagBytes;
  out.data.resize(expected + kGcmIvMost);
  CK_ULONG size = out.data.size();
  check(functions_.C_Encrypt(handle_, in(plaintext), plaintext.size(), out.data.data(), &size),
        "C_Encrypt");
  busy_ = false;
  if (mode == GcmIv::appended && size > expected) {
    out.iv.assign(out.data.begin() + static_cast<std::ptrdiff_t>(expected),
                  out.data.begin() + static_cast<std::ptrdiff_t>(size));
    size = expected;
  }
  const bool iv_made = std::ranges::any_of(out.iv, [](std::uint8_t byte) { return byte != 0; });
  if (size != expected || !usable_gcm_iv(out.iv.size()) || !iv_made) {
    // A second message under the same IV gives the key away, so this is no ciphertext to hand out.
    throw Error(Failure::unsupported, "the token's AES-GCM does not make its IV as configured");
  }
  out.data.resize(size);
  return out;
}

Decrypted Session::gcm_decrypt(CK_OBJECT_HANDLE key, ByteView iv, ByteView ciphertext,
                               ByteView aad) {
  CK_GCM_PARAMS params{in(iv), iv.size(), iv.size() * 8, in(aad), aad.size(), kGcmTagBytes * 8};
  CK_MECHANISM how{CKM_AES_GCM, &params, sizeof params};
  begun(functions_.C_DecryptInit(handle_, &how, key), "C_DecryptInit");

  // SoftHSM wants room for the tag too.
  Decrypted out{CKR_OK, SecretBytes(ciphertext.size())};
  CK_ULONG size = out.plaintext.size();
  out.rv =
      functions_.C_Decrypt(handle_, in(ciphertext), ciphertext.size(), out.plaintext.data(), &size);
  // PKCS#11 2.40, section 5.9: any other answer ends the operation.
  busy_ = out.rv == CKR_BUFFER_TOO_SMALL;
  if (out.rv != CKR_OK) {
    out.plaintext.clear();
    return out;
  }
  if (size != ciphertext.size() - kGcmTagBytes) {
    throw Error(Failure::device_error, "C_Decrypt answered a plaintext of the wrong length",
                CKR_GENERAL_ERROR);
  }
  out.plaintext.resize(size);
  return out;
}

}  // namespace pkcs11
