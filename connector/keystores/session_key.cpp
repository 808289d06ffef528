#include "connector/keystores/session_key.h"

#include <openssl/crypto.h>

#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

constexpr pkcs11::KeyKind kKind = pkcs11::KeyKind::hmac_256;

keys::SessionKeyPtr make_session_key(pkcs11::Token& token, const std::string& region,
                                     storage::MetadataStore& store, const Clock& clock,
                                     pkcs11::Deadline deadline) {
  if (token.holding(kKind, deadline) != pkcs11::Holding::wrapped) {
    throw pkcs11::Error(
        pkcs11::Failure::unsupported,
        "the token of " + region + " cannot wrap an HMAC key: no temporary credentials");
  }
  keys::SessionKeyRecord record;
  record.region = region;
  record.key = token.generate_wrapped(kKind, deadline);
  record.created = clock.now();
  try {
    const storage::Change change = storage::Put<keys::SessionKeyRecord>{std::move(record)};
    store.commit({&change, 1});
  } catch (const storage::Error& error) {
    // Somebody else made it meanwhile.
    if (error.fault() != storage::Fault::conflict) throw;
  }
  return store.session_key(region);
}

}  // namespace

SecretBytes session_mac(pkcs11::Token& token, const std::string& region,
                        storage::MetadataStore& store, const Clock& clock, ByteView message,
                        pkcs11::Deadline deadline) {
  keys::SessionKeyPtr record = store.session_key(region);
  if (record == nullptr) record = make_session_key(token, region, store, clock, deadline);
  Bytes mac = token.mac(record->key, message, deadline);
  SecretBytes secret = SecretBytes::copy_of(ByteView(mac));
  OPENSSL_cleanse(mac.data(), mac.size());
  return secret;
}

}  // namespace kms::keystores
