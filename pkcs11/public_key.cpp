#include "pkcs11/public_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "pkcs11/der.h"
#include "pkcs11/key_kind.h"

namespace pkcs11 {
namespace {

/// OBJECT IDENTIFIERs, DER; of RSA with its NULL parameter.
constexpr std::array<std::uint8_t, 13> kRsaEncryption{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                                      0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
constexpr std::array<std::uint8_t, 9> kEcPublicKey{0x06, 0x07, 0x2A, 0x86, 0x48,
                                                   0xCE, 0x3D, 0x02, 0x01};
/// 2.16.840.1.101.3.4.3.17 and the next two (RFC 9881).
constexpr std::array<std::uint8_t, 10> kMlDsaStem{0x06, 0x09, 0x60, 0x86, 0x48,
                                                  0x01, 0x65, 0x03, 0x04, 0x03};
constexpr std::uint8_t kMlDsa44 = 17;

constexpr std::uint8_t kUncompressed = 0x04;

struct RsaPublicKey {
  ByteView modulus;
  ByteView exponent;
};

/// The AlgorithmIdentifier's content.
Bytes algorithm(const KeyKindInfo& kind) {
  Bytes out;
  const auto add = [&out](ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  switch (kind.family) {
    case KeyFamily::rsa:
      add(kRsaEncryption);
      break;
    case KeyFamily::ec:
      add(kEcPublicKey);
      add(kind.curve);
      break;
    case KeyFamily::edwards:
      add(kind.curve);
      break;
    case KeyFamily::ml_dsa:
      add(kMlDsaStem);
      out.push_back(static_cast<std::uint8_t>(kMlDsa44 + kind.parameter_set - CKP_ML_DSA_44));
      break;
    case KeyFamily::aes:
    case KeyFamily::hmac:
      throw Error(Failure::bad_argument, "a secret key has no public key");
  }
  return out;
}

Bytes encode(const KeyKindInfo& kind, ByteView key) {
  Bytes bits{0};  // no bit of the last byte is unused
  bits.insert(bits.end(), key.begin(), key.end());
  Bytes content;
  der::put(content, der::kSequence, algorithm(kind));
  der::put(content, der::kBitString, bits);
  Bytes out;
  der::put(out, der::kSequence, content);
  return out;
}

/// What encode() was given.
std::optional<ByteView> decode(const KeyKindInfo& kind, ByteView public_key) {
  auto content = der::take(public_key, der::kSequence);
  if (!content || !public_key.empty()) return std::nullopt;
  const auto algorithm_is = der::take(*content, der::kSequence);
  if (!algorithm_is || !std::ranges::equal(*algorithm_is, algorithm(kind))) return std::nullopt;
  const auto bits = der::take(*content, der::kBitString);
  if (!bits || !content->empty() || bits->empty() || bits->front() != 0) return std::nullopt;
  return bits->subspan(1);
}

std::optional<RsaPublicKey> decode_rsa(const KeyKindInfo& kind, ByteView public_key) {
  auto key = decode(kind, public_key);
  auto numbers = key ? der::take(*key, der::kSequence) : std::nullopt;
  if (!numbers || !key->empty()) return std::nullopt;
  const auto modulus = der::take_unsigned(*numbers);
  if (!modulus || modulus->size() != kind.bytes) return std::nullopt;
  const auto exponent = der::take_unsigned(*numbers);
  if (!exponent || !numbers->empty()) return std::nullopt;
  return RsaPublicKey{*modulus, *exponent};
}

/// The point of CKA_EC_POINT: an OCTET STRING, or, from some modules, what should be in it.
ByteView unpack_point(ByteView value, std::size_t bytes) {
  if (value.size() == bytes) return value;
  const auto point = der::take(value, der::kOctetString);
  return point ? *point : ByteView{};
}

std::size_t point_bytes(const KeyKindInfo& kind) {
  return kind.family == KeyFamily::ec ? 1 + 2 * kind.bytes : kind.bytes;
}

bool is_point(const KeyKindInfo& kind, ByteView point) {
  if (point.size() != point_bytes(kind)) return false;
  return kind.family != KeyFamily::ec || point.front() == kUncompressed;
}

[[noreturn]] void odd_answer() {
  throw Error(Failure::device_error, "the token's public key object is not of its kind",
              CKR_GENERAL_ERROR);
}

const char* group_name(KeyKind kind) {
  switch (kind) {
    case KeyKind::ec_p256:
      return SN_X9_62_prime256v1;
    case KeyKind::ec_p384:
      return SN_secp384r1;
    case KeyKind::ec_p521:
      return SN_secp521r1;
    case KeyKind::ec_secp256k1:
      return SN_secp256k1;
    default:
      return "";
  }
}

}  // namespace

Bytes read_public_key(Session& session, KeyKind kind, CK_OBJECT_HANDLE object) {
  const KeyKindInfo& row = info(kind);
  switch (row.family) {
    case KeyFamily::rsa: {
      Bytes numbers;
      der::put_unsigned(numbers, session.read(object, CKA_MODULUS));
      der::put_unsigned(numbers, session.read(object, CKA_PUBLIC_EXPONENT));
      Bytes key;
      der::put(key, der::kSequence, numbers);
      Bytes public_key = encode(row, key);
      if (!decode_rsa(row, public_key)) odd_answer();
      return public_key;
    }
    case KeyFamily::ec:
    case KeyFamily::edwards: {
      const Bytes value = session.read(object, CKA_EC_POINT);
      const ByteView point = unpack_point(value, point_bytes(row));
      if (!is_point(row, point)) odd_answer();
      return encode(row, point);
    }
    case KeyFamily::ml_dsa: {
      const Bytes key = session.read(object, CKA_VALUE);
      if (key.size() != row.bytes) odd_answer();
      return encode(row, key);
    }
    case KeyFamily::aes:
    case KeyFamily::hmac:
      break;
  }
  throw Error(Failure::bad_argument, "a secret key has no public key");
}

Bytes ec_public_key(KeyKind kind, ByteView point) { return encode(info(kind), point); }

std::optional<Bytes> ed25519_public_key(ByteView seed) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
      EVP_PKEY_free);
  Bytes point(info(KeyKind::ed25519).bytes);
  std::size_t size = point.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), point.data(), &size) != 1 ||
      size != point.size()) {
    return std::nullopt;
  }
  return point;
}

bool add_public_key(Attributes& wanted, KeyKind kind, ByteView public_key) {
  if (!is_pair(kind)) return false;
  const KeyKindInfo& row = info(kind);
  if (row.family == KeyFamily::rsa) {
    const auto key = decode_rsa(row, public_key);
    if (!key) return false;
    wanted.add(CKA_MODULUS, key->modulus).add(CKA_PUBLIC_EXPONENT, key->exponent);
    return true;
  }
  const auto key = decode(row, public_key);
  if (!key) return false;
  if (row.family == KeyFamily::ml_dsa) {
    if (key->size() != row.bytes) return false;
    wanted.add(CKA_PARAMETER_SET, row.parameter_set).add(CKA_VALUE, *key);
    return true;
  }
  if (!is_point(row, *key)) return false;
  Bytes point;
  der::put(point, der::kOctetString, *key);
  wanted.add(CKA_EC_PARAMS, row.curve).add(CKA_EC_POINT, point);
  return true;
}

std::optional<Bytes> rsa_modulus(KeyKind kind, ByteView public_key) {
  if (info(kind).family != KeyFamily::rsa) return std::nullopt;
  const auto key = decode_rsa(info(kind), public_key);
  if (!key) return std::nullopt;
  return Bytes(key->modulus.begin(), key->modulus.end());
}

bool has_usable_exponent(KeyKind kind, ByteView public_key) {
  const auto key = decode_rsa(info(kind), public_key);
  if (!key || (key->exponent.back() & 1) == 0) return false;
  return key->exponent.size() > 1 || key->exponent.front() >= 3;
}

bool is_below_modulus(KeyKind kind, ByteView public_key, ByteView number) {
  const auto key = decode_rsa(info(kind), public_key);
  return !key || std::ranges::lexicographical_compare(number, key->modulus);
}

std::optional<Bytes> valid_ec_point(KeyKind kind, ByteView public_key) {
  const KeyKindInfo& row = info(kind);
  if (row.family != KeyFamily::ec) return std::nullopt;
  ERR_set_mark();
  const auto point = [&]() -> std::optional<Bytes> {
    const unsigned char* next = public_key.data();
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        d2i_PUBKEY(nullptr, &next, static_cast<long>(public_key.size())), EVP_PKEY_free);
    if (key == nullptr || next != public_key.data() + public_key.size()) return std::nullopt;
    if (EVP_PKEY_is_a(key.get(), "EC") != 1) return std::nullopt;
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &size) != 1 ||
        std::string_view(group.data(), size) != group_name(kind)) {
      return std::nullopt;
    }
    // Parameters that merely amount to the curve are how CVE-2020-0601 began.
    int is_explicit = 0;
    if (EVP_PKEY_get_int_param(key.get(), OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit) != 1 ||
        is_explicit != 0) {
      return std::nullopt;
    }
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr), EVP_PKEY_CTX_free);
    if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) return std::nullopt;
    EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
    Bytes out(point_bytes(row));
    if (EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(),
                                        &size) != 1 ||
        size != out.size() || !is_point(row, out)) {
      return std::nullopt;
    }
    return out;
  }();
  ERR_pop_to_mark();
  return point;
}

}  // namespace pkcs11
