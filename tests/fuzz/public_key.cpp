#include "pkcs11/public_key.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pkcs11/key_kind.h"
#include "tests/fuzz/support.h"

namespace {

using kms::fuzz::require;
using pkcs11::Bytes;
using pkcs11::ByteView;
using pkcs11::KeyKind;

bool makes_an_object(KeyKind kind, ByteView key) {
  pkcs11::Attributes wanted;
  return pkcs11::add_public_key(wanted, kind, key);
}

/// A public key of a caller, for ECDH.
void check_peer(KeyKind kind, ByteView key) {
  const auto point = pkcs11::valid_ec_point(kind, key);
  if (!point) return;
  const pkcs11::KeyKindInfo& row = pkcs11::info(kind);
  require(row.family == pkcs11::KeyFamily::ec, "a point is on a curve");
  require(point->size() == 1 + 2 * row.bytes && point->front() == 4, "it is uncompressed");
  const Bytes canonical = pkcs11::ec_public_key(kind, *point);
  require(pkcs11::valid_ec_point(kind, canonical) == point, "its usual encoding is the same point");
  require(makes_an_object(kind, canonical), "and makes an object");
  Bytes off_curve = *point;
  off_curve.back() ^= 1;
  require(!pkcs11::valid_ec_point(kind, pkcs11::ec_public_key(kind, off_curve)),
          "a point beside the curve is none");
}

/// A public key of a record of ours: there is one encoding.
void check_own(KeyKind kind, ByteView key) {
  const pkcs11::KeyKindInfo& row = pkcs11::info(kind);
  const bool taken = makes_an_object(kind, key);
  const auto modulus = pkcs11::rsa_modulus(kind, key);
  require(modulus.has_value() == (taken && row.family == pkcs11::KeyFamily::rsa),
          "who has a modulus makes an RSA key");
  if (modulus) {
    require(modulus->size() == row.bytes && modulus->front() != 0, "it is as long as it should be");
    require(!pkcs11::is_below_modulus(kind, key, *modulus), "it is not below itself");
    require(pkcs11::is_below_modulus(kind, key, Bytes(row.bytes)), "zero is");
  }
  if (!taken) return;
  switch (row.family) {
    case pkcs11::KeyFamily::ec:
      require(std::ranges::equal(pkcs11::ec_public_key(kind, key.last(1 + 2 * row.bytes)), key),
              "a key that is taken has its one encoding");
      break;
    case pkcs11::KeyFamily::edwards:
      require(std::ranges::equal(pkcs11::ec_public_key(kind, key.last(row.bytes)), key),
              "a key that is taken has its one encoding");
      break;
    case pkcs11::KeyFamily::rsa:
    case pkcs11::KeyFamily::ml_dsa:
    case pkcs11::KeyFamily::aes:
    case pkcs11::KeyFamily::hmac:
      break;
  }
}

}  // namespace

// A byte that chooses the kind of key, and a SubjectPublicKeyInfo.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<KeyKind>(data[0] % pkcs11::kKeyKinds);
  const ByteView key(data + 1, size - 1);
  check_peer(kind, key);
  check_own(kind, key);
  Bytes longer(key.begin(), key.end());
  longer.push_back(0);
  require(!pkcs11::valid_ec_point(kind, longer) || !pkcs11::valid_ec_point(kind, key),
          "nothing follows a peer's key");
  require(!makes_an_object(kind, longer) || !makes_an_object(kind, key), "nothing follows a key");
  return 0;
}
