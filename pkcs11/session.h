#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pkcs11/attributes.h"
#include "pkcs11/ck_rv.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// What a cached handle stands for: read once, checked before each use (SoftHSM crashes on a
/// mechanism that does not fit the key).
struct ObjectInfo {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  Bytes id;
  std::string label;
  CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
  CK_ULONG bytes = 0;          // CKA_VALUE_LEN
  Bytes modulus;               // CKA_MODULUS, of RSA keys
  Bytes curve;                 // CKA_EC_PARAMS, of keys on a curve
  CK_ULONG parameter_set = 0;  // CKA_PARAMETER_SET, of ML-DSA keys
};

/// A mechanism and its parameter, which has to outlive it.
struct Mechanism {
  // NOLINTNEXTLINE(google-explicit-constructor): most mechanisms have no parameter
  Mechanism(CK_MECHANISM_TYPE mechanism) : type(mechanism) {}
  template <class Params>
  Mechanism(CK_MECHANISM_TYPE mechanism, Params& params)
      : type(mechanism), parameter(&params), parameter_bytes(sizeof params) {}

  CK_MECHANISM_TYPE type;
  void* parameter = nullptr;
  CK_ULONG parameter_bytes = 0;
};

/// The handles of a new pair.
struct KeyPair {
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
};

/// What C_Decrypt answered; the plaintext only if that is CKR_OK.
struct Decrypted {
  CK_RV rv = CKR_OK;
  SecretBytes plaintext;
};

/// One read/write session, for one thread at a time (SoftHSM crashes otherwise). Each method is a
/// whole conversation, from Init to Final; one that is cut short leaves the session busy, fit only
/// to be closed.
class Session final {
 public:
  /// C_OpenSession.
  Session(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;

  /// Left in the middle of an operation, or marked so.
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  /// What was made in this session must not survive it.
  void give_up() noexcept { busy_ = true; }
  /// Closes and opens again.
  void reopen();

  /// C_Login as the user; the answer, whatever it is.
  [[nodiscard]] CK_RV login(ByteView pin) noexcept;
  void logout() noexcept;
  [[nodiscard]] CK_STATE state();

  /// All objects that match.
  [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(Attributes&& wanted);
  /// nullopt: the object is gone.
  [[nodiscard]] std::optional<ObjectInfo> inspect(CK_OBJECT_HANDLE object);
  /// CK_FALSE if the object does not have the attribute.
  [[nodiscard]] bool flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

  /// The token says that the key was made in it, and never could leave it: nobody can give these
  /// attributes to a key from outside.
  [[nodiscard]] bool is_native(CK_OBJECT_HANDLE key);

  /// The value of an attribute that is no secret.
  [[nodiscard]] Bytes read(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  /// CKA_VALUE of an object that is meant to be read: throws if it is sensitive.
  [[nodiscard]] SecretBytes read_value(CK_OBJECT_HANDLE object);

  [[nodiscard]] CK_OBJECT_HANDLE generate_key(const Mechanism& mechanism, Attributes&& wanted);
  [[nodiscard]] KeyPair generate_pair(const Mechanism& mechanism, Attributes&& public_key,
                                      Attributes&& private_key);
  [[nodiscard]] CK_OBJECT_HANDLE create(Attributes&& wanted);
  void destroy(CK_OBJECT_HANDLE object);
  [[nodiscard]] Bytes wrap(const Mechanism& mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key);
  [[nodiscard]] CK_OBJECT_HANDLE unwrap(const Mechanism& mechanism, CK_OBJECT_HANDLE kek,
                                        ByteView blob, Attributes&& wanted);
  [[nodiscard]] CK_OBJECT_HANDLE derive(const Mechanism& mechanism, CK_OBJECT_HANDLE base,
                                        Attributes&& wanted);

  [[nodiscard]] Bytes digest(const Mechanism& mechanism, ByteView message);
  /// A signature, or a MAC.
  [[nodiscard]] Bytes sign(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView data);
  /// false: it is not this key's signature of the data.
  [[nodiscard]] bool verify(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView data,
                            ByteView signature);
  /// In one part; the ciphertext has at most `room` bytes.
  [[nodiscard]] Bytes encrypt(const Mechanism& mechanism, CK_OBJECT_HANDLE key, ByteView plaintext,
                              std::size_t room);
  /// Throws what C_DecryptInit answers, returns what C_Decrypt answers.
  [[nodiscard]] Decrypted decrypt(const Mechanism& mechanism, CK_OBJECT_HANDLE key,
                                  ByteView ciphertext, std::size_t room);

  void random(std::span<std::uint8_t> out);
  /// AES-GCM with a 128-bit tag. `iv`: ours in host mode, else ignored.
  [[nodiscard]] GcmCiphertext gcm_encrypt(CK_OBJECT_HANDLE key, GcmIv mode, ByteView iv,
                                          ByteView plaintext, ByteView aad);
  /// Throws what C_DecryptInit answers, returns what C_Decrypt answers.
  [[nodiscard]] Decrypted gcm_decrypt(CK_OBJECT_HANDLE key, ByteView iv, ByteView ciphertext,
                                      ByteView aad);

 private:
  void close() noexcept;
  /// `rv` of a conversation's first call.
  void begun(CK_RV rv, const char* function);

  const CK_FUNCTION_LIST& functions_;
  const CK_SLOT_ID slot_;
  CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
  bool open_ = false;
  bool busy_ = false;
};

}  // namespace pkcs11
