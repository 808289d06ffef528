#include "pkcs11/cryptoki_token.h"

// Material that goes out of the token or comes into it: data key pairs, imports, transport.
namespace pkcs11 {

DataKeyPair CryptokiToken::generate_data_key_pair(KeyKind, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

std::variant<MaterialRef, ImportFault> CryptokiToken::import_material(
    const WrappedMaterial&, ImportScheme, ByteView, KeyKind,
    const std::optional<std::pair<ObjectId, std::string>>&, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

Bytes CryptokiToken::fingerprint(const MaterialRef&, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

WrappedMaterial CryptokiToken::generate_transport_key(Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

TransportedKey CryptokiToken::export_material(const WrappedMaterial&, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

WrappedMaterial CryptokiToken::import_transported(const WrappedMaterial&, const TransportedKey&,
                                                  Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

}  // namespace pkcs11
