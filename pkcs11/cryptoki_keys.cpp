#include <openssl/crypto.h>

#include <algorithm>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/ecdsa_signature.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/oaep.h"
#include "pkcs11/public_key.h"
#include "pkcs11/templates.h"

// What is done with keys other than AES keys.
namespace pkcs11 {
namespace {

/// SoftHSM crashes on a mechanism that does not fit the key, and on digests of other lengths.
const SchemeInfo& check_signing(KeyKind kind, SignatureScheme scheme, MessageForm form,
                                ByteView message) {
  const SchemeInfo& row = info(scheme);
  if (!fits(kind, scheme)) throw Error(Failure::bad_argument, "keys of the kind do not sign so");
  switch (form) {
    case MessageForm::message:
      break;
    case MessageForm::digest:
      if (row.digest == 0) throw Error(Failure::unsupported, "the scheme signs no digests");
      if (message.size() != row.digest_bytes) {
        throw Error(Failure::bad_argument, "the digest is not of the scheme's hash");
      }
      break;
    case MessageForm::external_mu:
      throw Error(Failure::unsupported, "no mechanism of PKCS#11 3.2 signs an external mu");
  }
  return row;
}

void check_length(std::size_t is, std::size_t wanted, const char* what) {
  if (is == wanted) return;
  throw Error(Failure::device_error, std::string("the token's ") + what + " is of a wrong length",
              CKR_GENERAL_ERROR);
}

const KeyKindInfo& check_family(const MaterialRef& key, KeyFamily family) {
  const KeyKindInfo& row = info(kind_of(key));
  if (row.family != family) throw Error(Failure::bad_argument, "not a key for this operation");
  return row;
}

}  // namespace

Bytes CryptokiToken::sign(const MaterialRef& key, SignatureScheme scheme, MessageForm form,
                          ByteView message, Deadline deadline) {
  const KeyKindInfo& kind = pkcs11::info(kind_of(key));
  const SchemeInfo& row = check_signing(kind.kind, scheme, form, message);
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    const Signing how = prepare(row, form, message, key, use, session, deadline);
    const SigningMechanism mechanism(row, how.combined);
    Bytes signature = session.sign(mechanism.get(), use.handle, how.data);
    check_length(signature.size(), kind.signature_bytes, "signature");
    return kind.family == KeyFamily::ec ? ecdsa_to_der(signature) : signature;
  });
}

bool CryptokiToken::verify(const MaterialRef& key, SignatureScheme scheme, MessageForm form,
                           ByteView message, ByteView signature, Deadline deadline) {
  const KeyKindInfo& kind = pkcs11::info(kind_of(key));
  const SchemeInfo& row = check_signing(kind.kind, scheme, form, message);
  std::optional<Bytes> raw;
  if (kind.family == KeyFamily::ec) {
    raw = ecdsa_from_der(signature, kind.bytes);
  } else if (signature.size() == kind.signature_bytes) {
    raw.emplace(signature.begin(), signature.end());
  }
  if (!raw) return false;
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    const CK_OBJECT_HANDLE public_key = public_part(key, use, session, deadline);
    const Signing how = prepare(row, form, message, key, use, session, deadline);
    const SigningMechanism mechanism(row, how.combined);
    return session.verify(mechanism.get(), public_key, how.data, *raw);
  });
}

Bytes CryptokiToken::mac(const MaterialRef& key, ByteView message, Deadline deadline) {
  const KeyKindInfo& kind = check_family(key, KeyFamily::hmac);
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    Bytes mac = session.sign(kind.mac, use.handle, message);
    check_length(mac.size(), kind.signature_bytes, "MAC");
    return mac;
  });
}

bool CryptokiToken::verify_mac(const MaterialRef& key, ByteView message, ByteView mac,
                               Deadline deadline) {
  // Not by C_Verify: what modules answer to a wrong MAC differs.
  const Bytes right = this->mac(key, message, deadline);
  return mac.size() == right.size() && CRYPTO_memcmp(mac.data(), right.data(), right.size()) == 0;
}

Bytes CryptokiToken::oaep_encrypt(const MaterialRef& key, OaepHash hash, ByteView plaintext,
                                  Deadline deadline) {
  const KeyKindInfo& kind = check_family(key, KeyFamily::rsa);
  if (plaintext.size() > oaep::most(hash, kind.bytes)) {
    throw Error(Failure::bad_argument, "too long for the key");
  }
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    const KeyPair pair{use.handle, public_part(key, use, session, deadline)};
    const OaepMethod method = oaep_method(hash, kind.kind, session, pair);
    Bytes sealed = oaep::seal(hash, method, session, pair.public_key, plaintext, kind.bytes);
    check_length(sealed.size(), kind.bytes, "ciphertext");
    return sealed;
  });
}

std::optional<SecretBytes> CryptokiToken::oaep_decrypt(const MaterialRef& key, OaepHash hash,
                                                       ByteView ciphertext, Deadline deadline) {
  const KeyKindInfo& kind = check_family(key, KeyFamily::rsa);
  if (ciphertext.size() != kind.bytes) return std::nullopt;
  // NSS blames its caller for such a number.
  if (!is_below_modulus(kind.kind, public_key_of(key), ciphertext)) return std::nullopt;
  return with_key(key, deadline,
                  [&](Session& session, const KeyUse& use) -> std::optional<SecretBytes> {
                    const KeyPair pair{use.handle, public_part(key, use, session, deadline)};
                    const OaepMethod method = oaep_method(hash, kind.kind, session, pair);
                    return open_oaep(session, method, hash, use.handle, ciphertext);
                  });
}

std::optional<SecretBytes> CryptokiToken::open_oaep(Session& session, OaepMethod method,
                                                    OaepHash hash, CK_OBJECT_HANDLE key,
                                                    ByteView ciphertext) {
  Decrypted opened;
  const bool decrypted = decrypts(session, [&] {
    opened = oaep::open(hash, method, session, key, ciphertext);
    return opened.rv;
  });
  if (!decrypted) return std::nullopt;
  if (method == OaepMethod::native) return std::move(opened.plaintext);
  return oaep::unpad(hash, opened.plaintext.view());
}

std::optional<SecretBytes> CryptokiToken::ecdh(const MaterialRef& key, ByteView peer,
                                               Deadline deadline) {
  const KeyKindInfo& kind = check_family(key, KeyFamily::ec);
  std::optional<Bytes> point = valid_ec_point(kind.kind, peer);
  if (!point) return std::nullopt;
  return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
    CK_ECDH1_DERIVE_PARAMS params{CKD_NULL, 0, nullptr, point->size(), point->data()};
    try {
      // Without CKA_VALUE_LEN: SoftHSM 2.6.1 cuts off the wrong end.
      const CK_OBJECT_HANDLE secret = session.derive(Mechanism(CKM_ECDH1_DERIVE, params),
                                                     use.handle, templates::shared_secret());
      // The one value that is ever read from the token: it is the answer, and of no key of ours.
      const SecretBytes value = session.read_value(secret);
      session.destroy(secret);
      if (value.empty() || value.size() > kind.bytes) {
        throw Error(Failure::device_error, "the shared secret is of a wrong length",
                    CKR_GENERAL_ERROR);
      }
      // A token may leave out leading zeros.
      SecretBytes x(kind.bytes - value.size());
      x.append(value.view());
      return std::optional(std::move(x));
    } catch (const Error&) {
      session.give_up();
      throw;
    }
  });
}

}  // namespace pkcs11
