#pragma once

#include <optional>

#include "pkcs11/cryptoki.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// A row of THE table of signature schemes.
struct SchemeInfo {
  SignatureScheme scheme;
  KeyFamily family;
  CK_MECHANISM_TYPE raw;       // takes the digest, or all of the message where there is none
  CK_MECHANISM_TYPE combined;  // hashes too; 0: there is none
  CK_MECHANISM_TYPE digest;    // 0: hashing is part of the algorithm
  CK_RSA_PKCS_MGF_TYPE mgf;    // for PSS
  std::size_t digest_bytes;
  ByteView digest_info;  // precedes the digest (RFC 8017, 9.2, note 1)
  bool prehashed = false;
};
inline constexpr std::size_t kSignatureSchemes = 12;

[[nodiscard]] const SchemeInfo& info(SignatureScheme scheme) noexcept;
/// Whether keys of the kind make such signatures. An elliptic curve goes with one hash, the one of
/// its strength.
[[nodiscard]] bool fits(KeyKind kind, SignatureScheme scheme) noexcept;
/// One that a token proves by that two parts of a pair belong together; 32 bytes are signed, after
/// its digest_info.
[[nodiscard]] const SchemeInfo& proving_scheme(KeyKind kind) noexcept;
/// A kind with such signatures whose keys are made quickly.
[[nodiscard]] KeyKind cheapest_kind(SignatureScheme scheme) noexcept;

/// A mechanism of a scheme together with its parameter.
class SigningMechanism final {
 public:
  explicit SigningMechanism(const SchemeInfo& row, bool combined);
  SigningMechanism(const SigningMechanism&) = delete;
  SigningMechanism& operator=(const SigningMechanism&) = delete;
  SigningMechanism(SigningMechanism&&) = delete;
  SigningMechanism& operator=(SigningMechanism&&) = delete;
  ~SigningMechanism() = default;
  [[nodiscard]] const Mechanism& get() const noexcept { return mechanism_; }

 private:
  /// CK_EDDSA_PARAMS of PKCS#11 3.0.
  struct EddsaParams {
    CK_BBOOL prehashed = CK_TRUE;
    CK_ULONG context_bytes = 0;
    CK_BYTE* context = nullptr;
  };
  CK_RSA_PKCS_PSS_PARAMS pss_{};
  EddsaParams eddsa_{};
  Mechanism mechanism_;
};

}  // namespace pkcs11
