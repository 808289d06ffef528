#include "pkcs11/cryptoki_token.h"

namespace pkcs11 {

Holding CryptokiToken::holding(KeyKind kind, Deadline) {
  if (kind != KeyKind::aes_256) return Holding::none;
  return probed_.capabilities.wrap_kwp ? Holding::wrapped : Holding::object;
}

bool CryptokiToken::signs(SignatureScheme, MessageForm, Deadline) { return false; }

Bytes CryptokiToken::sign(const MaterialRef&, SignatureScheme, MessageForm, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

bool CryptokiToken::verify(const MaterialRef&, SignatureScheme, MessageForm, ByteView, ByteView,
                           Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

Bytes CryptokiToken::mac(const MaterialRef&, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

bool CryptokiToken::verify_mac(const MaterialRef&, ByteView, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

Bytes CryptokiToken::oaep_encrypt(const MaterialRef&, OaepHash, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

std::optional<SecretBytes> CryptokiToken::oaep_decrypt(const MaterialRef&, OaepHash, ByteView,
                                                       Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

std::optional<SecretBytes> CryptokiToken::ecdh(const MaterialRef&, ByteView, Deadline) {
  throw Error(Failure::unsupported, "not built yet");
}

}  // namespace pkcs11
