#include "connector/keystores/sealed_import_token.h"

#include "pkcs11/error.h"

namespace kms::keystores {

Bytes seal_import_token(pkcs11::Token& token, const std::string& key_arn,
                        pkcs11::ImportScheme scheme, Timestamp valid_to,
                        const pkcs11::WrappedMaterial& wrapping_key, pkcs11::Deadline deadline) {
  const keys::ImportTokenHeader header{
      .key_arn = key_arn,
      .scheme = scheme,
      .valid_to = valid_to,
      .sealing_key = token.generate_wrapped(pkcs11::KeyKind::aes_256, deadline)};
  const pkcs11::GcmCiphertext made =
      token.gcm_encrypt(header.sealing_key, keys::encode_wrapping_key(wrapping_key),
                        keys::additional_data(header), deadline);
  return keys::encode(header, made.iv, made.data);
}

std::optional<pkcs11::WrappedMaterial> open_import_token(pkcs11::Token& token,
                                                         const keys::SealedImportToken& sealed,
                                                         pkcs11::Deadline deadline) {
  try {
    const auto opened = token.gcm_decrypt(sealed.header.sealing_key, sealed.iv, sealed.data,
                                          keys::additional_data(sealed.header), deadline);
    return opened ? keys::parse_wrapping_key(opened->view()) : std::nullopt;
  } catch (const pkcs11::Error& error) {
    // The sealing key came from outside: that the token refuses it, or does not know what it says
    // it is wrapped under, is nothing wrong with the token.
    if (error.failure() == pkcs11::Failure::material_rejected ||
        error.failure() == pkcs11::Failure::key_not_found) {
      return std::nullopt;
    }
    throw;
  }
}

}  // namespace kms::keystores
