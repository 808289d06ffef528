#include "connector/keystores/sealed_password.h"

#include <optional>
#include <utility>

#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

/// What the encryption is bound to. None of the parts can hold the separator.
Bytes purpose(const Scope& scope, const std::string& store_id) {
  const std::string text =
      "kms-connector key store password\n" + scope.account + "\n" + scope.region + "\n" + store_id;
  return {text.begin(), text.end()};
}

}  // namespace

keys::SealedSecret seal_password(pkcs11::Token& token, const Scope& scope,
                                 const std::string& store_id, const SecretString& password,
                                 pkcs11::Deadline deadline) {
  keys::SealedSecret sealed{.key = token.generate_wrapped(pkcs11::KeyKind::aes_256, deadline)};
  pkcs11::GcmCiphertext made =
      token.gcm_encrypt(sealed.key, password.bytes().view(), purpose(scope, store_id), deadline);
  sealed.iv = std::move(made.iv);
  sealed.ciphertext = std::move(made.data);
  return sealed;
}

SecretBytes open_password(pkcs11::Token& token, const keys::KeyStoreRecord& store,
                          pkcs11::Deadline deadline) {
  const keys::SealedSecret& sealed = store.password;
  std::optional<SecretBytes> password = token.gcm_decrypt(sealed.key, sealed.iv, sealed.ciphertext,
                                                          purpose(store.scope, store.id), deadline);
  if (!password) {
    throw pkcs11::Error(pkcs11::Failure::material_rejected,
                        "the stored password of " + store.id + " is not authentic");
  }
  return std::move(*password);
}

}  // namespace kms::keystores
