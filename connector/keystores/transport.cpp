#include "connector/keystores/transport.h"

#include <optional>

#include "pkcs11/error.h"

namespace kms::keystores {

Transport::Transport(pkcs11::Token& source, pkcs11::Token& destination, pkcs11::Deadline deadline)
    : source_(source),
      destination_(destination),
      deadline_(deadline),
      transport_key_(destination.transport_key(deadline)) {
  challenge();
}

void Transport::challenge() const {
  constexpr std::size_t kChallengeBytes = 32;
  pkcs11::SecretBytes secret(kChallengeBytes);
  source_.random(secret.span(), deadline_);
  const auto key = source_.generate_wrapped(pkcs11::KeyKind::aes_256, deadline_);
  const auto sealed = source_.gcm_encrypt(key, secret.view(), {}, deadline_);
  const auto opened = destination_.gcm_decrypt(carry(key), sealed.iv, sealed.data, {}, deadline_);
  if (!opened || !opened->equals(secret.view())) {
    throw pkcs11::Error(pkcs11::Failure::material_rejected,
                        "the destination does not hold its transport key");
  }
}

pkcs11::WrappedMaterial Transport::carry(const pkcs11::WrappedMaterial& material) const {
  return destination_.import_transported(
      source_.export_material(material, transport_key_, deadline_), deadline_);
}

}  // namespace kms::keystores
