#include "pkcs11/key_kind.h"

#include <algorithm>
#include <array>

#include "pkcs11/gcm.h"

namespace pkcs11 {
namespace {

/// OBJECT IDENTIFIERs, DER.
constexpr std::array<std::uint8_t, 10> kP256{0x06, 0x08, 0x2A, 0x86, 0x48,
                                             0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 7> kP384{0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
constexpr std::array<std::uint8_t, 7> kP521{0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23};
constexpr std::array<std::uint8_t, 7> kSecp256k1{0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A};
constexpr std::array<std::uint8_t, 5> kEd25519{0x06, 0x03, 0x2B, 0x65, 0x70};
/// The other name of the curve that PKCS#11 3.0, section 2.3.5 allows: PrintableString
/// "edwards25519".
constexpr std::array<std::uint8_t, 14> kEd25519Named{0x13, 0x0C, 'e', 'd', 'w', 'a', 'r',
                                                     'd',  's',  '2', '5', '5', '1', '9'};

constexpr KeyKindInfo hmac(KeyKind kind, std::size_t bytes, CK_MECHANISM_TYPE mac) {
  return {.kind = kind,
          .family = KeyFamily::hmac,
          .type = CKK_GENERIC_SECRET,
          .generation = CKM_GENERIC_SECRET_KEY_GEN,
          .bytes = bytes,
          .curve = {},
          .mac = mac,
          .signature_bytes = bytes};
}

constexpr KeyKindInfo rsa(KeyKind kind, std::size_t bytes) {
  return {.kind = kind,
          .family = KeyFamily::rsa,
          .type = CKK_RSA,
          .generation = CKM_RSA_PKCS_KEY_PAIR_GEN,
          .bytes = bytes,
          .curve = {},
          .signature_bytes = bytes};
}

constexpr KeyKindInfo ec(KeyKind kind, std::size_t bytes, ByteView curve) {
  return {.kind = kind,
          .family = KeyFamily::ec,
          .type = CKK_EC,
          .generation = CKM_EC_KEY_PAIR_GEN,
          .bytes = bytes,
          .curve = curve,
          .signature_bytes = 2 * bytes};
}

/// FIPS 204, table 2.
constexpr KeyKindInfo ml_dsa(KeyKind kind, CK_ULONG set, std::size_t bytes, std::size_t signature) {
  return {.kind = kind,
          .family = KeyFamily::ml_dsa,
          .type = CKK_ML_DSA,
          .generation = CKM_ML_DSA_KEY_PAIR_GEN,
          .bytes = bytes,
          .curve = {},
          .parameter_set = set,
          .signature_bytes = signature};
}

/// In the order of KeyKind.
constexpr std::array<KeyKindInfo, kKeyKinds> kKinds{
    KeyKindInfo{.kind = KeyKind::aes_256,
                .family = KeyFamily::aes,
                .type = CKK_AES,
                .generation = CKM_AES_KEY_GEN,
                .bytes = kAes256Bytes,
                .curve = {}},
    rsa(KeyKind::rsa_2048, 256),
    rsa(KeyKind::rsa_3072, 384),
    rsa(KeyKind::rsa_4096, 512),
    ec(KeyKind::ec_p256, 32, kP256),
    ec(KeyKind::ec_p384, 48, kP384),
    ec(KeyKind::ec_p521, 66, kP521),
    ec(KeyKind::ec_secp256k1, 32, kSecp256k1),
    KeyKindInfo{.kind = KeyKind::ed25519,
                .family = KeyFamily::edwards,
                .type = CKK_EC_EDWARDS,
                .generation = CKM_EC_EDWARDS_KEY_PAIR_GEN,
                .bytes = 32,
                .curve = kEd25519,
                .signature_bytes = 64},
    hmac(KeyKind::hmac_224, 28, CKM_SHA224_HMAC),
    hmac(KeyKind::hmac_256, 32, CKM_SHA256_HMAC),
    hmac(KeyKind::hmac_384, 48, CKM_SHA384_HMAC),
    hmac(KeyKind::hmac_512, 64, CKM_SHA512_HMAC),
    ml_dsa(KeyKind::ml_dsa_44, CKP_ML_DSA_44, 1312, 2420),
    ml_dsa(KeyKind::ml_dsa_65, CKP_ML_DSA_65, 1952, 3309),
    ml_dsa(KeyKind::ml_dsa_87, CKP_ML_DSA_87, 2592, 4627),
};
constexpr bool in_order() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i].kind != static_cast<KeyKind>(i)) return false;
  }
  return true;
}
static_assert(in_order());

/// RFC 5649: the key filled up to whole blocks of 8 bytes, and one more.
constexpr std::size_t wrapped_size(std::size_t bytes) { return (bytes + 7) / 8 * 8 + 8; }

}  // namespace

const KeyKindInfo& info(KeyKind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

bool is_pair(KeyKind kind) noexcept {
  const KeyFamily family = info(kind).family;
  return family != KeyFamily::aes && family != KeyFamily::hmac;
}

KeyKind kind_of(const MaterialRef& material) noexcept {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) return wrapped->kind;
  return std::get_if<ObjectMaterial>(&material)->kind;
}

const Bytes& public_key_of(const MaterialRef& material) noexcept {
  if (const auto* wrapped = std::get_if<WrappedMaterial>(&material)) return wrapped->public_key;
  return std::get_if<ObjectMaterial>(&material)->public_key;
}

std::optional<KeyKind> kind_of(const ObjectInfo& object) noexcept {
  const auto fits = [&object](const KeyKindInfo& row) {
    if (row.type != object.type) return false;
    switch (row.family) {
      case KeyFamily::aes:
      case KeyFamily::hmac:
        return row.bytes == object.bytes;
      case KeyFamily::rsa:
        return row.bytes == object.modulus.size();
      case KeyFamily::ec:
        return std::ranges::equal(row.curve, object.curve);
      case KeyFamily::edwards:
        return std::ranges::equal(row.curve, object.curve) ||
               std::ranges::equal(kEd25519Named, object.curve);
      case KeyFamily::ml_dsa:
        return row.parameter_set == object.parameter_set;
    }
    return false;
  };
  const auto* const row = std::ranges::find_if(kKinds, fits);
  if (row == kKinds.end()) return std::nullopt;
  return row->kind;
}

bool is_wrapped_size(KeyKind kind, std::size_t bytes) noexcept {
  constexpr std::size_t kLongest = 8192;
  if (!is_pair(kind)) return bytes == wrapped_size(info(kind).bytes);
  return bytes % 8 == 0 && bytes >= 24 && bytes <= kLongest;
}

}  // namespace pkcs11
