#include "pkcs11/ec_recovery.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include <memory>

#include "pkcs11/key_kind.h"
#include "pkcs11/public_key.h"

namespace pkcs11 {
namespace {

using Group = std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)>;
using Point = std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)>;
using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using Scratch = std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)>;

void must(bool done) {
  if (!done) throw Error(Failure::other, "OpenSSL failed in the recovery of a public key");
}

Number number(ByteView bytes) {
  Number made(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), BN_free);
  must(made != nullptr);
  return made;
}

Group group_of(const KeyKindInfo& kind) {
  const unsigned char* next = kind.curve.data();
  const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> name(
      d2i_ASN1_OBJECT(nullptr, &next, static_cast<long>(kind.curve.size())), ASN1_OBJECT_free);
  Group group(EC_GROUP_new_by_curve_name(OBJ_obj2nid(name.get())), EC_GROUP_free);
  must(group != nullptr);
  return group;
}

}  // namespace

std::vector<Bytes> possible_public_keys(KeyKind kind, ByteView digest, ByteView signature) {
  const KeyKindInfo& row = info(kind);
  if (row.family != KeyFamily::ec || signature.size() != 2 * row.bytes) {
    throw Error(Failure::bad_argument, "no ECDSA signature of the kind");
  }
  const Group group = group_of(row);
  const BIGNUM* const order = EC_GROUP_get0_order(group.get());
  const Scratch scratch(BN_CTX_new(), BN_CTX_free);
  must(scratch != nullptr);
  const Number r = number(signature.first(row.bytes));
  const Number s = number(signature.subspan(row.bytes));
  const Number e = number(digest);
  // Q = (s R - e G) / r
  const Number inverse(BN_mod_inverse(nullptr, r.get(), order, scratch.get()), BN_free);
  must(inverse != nullptr);
  const Number of_r(BN_new(), BN_free);
  const Number of_g(BN_new(), BN_free);
  must(BN_mod_mul(of_r.get(), s.get(), inverse.get(), order, scratch.get()) == 1 &&
       BN_mod_mul(of_g.get(), e.get(), inverse.get(), order, scratch.get()) == 1 &&
       BN_sub(of_g.get(), order, of_g.get()) == 1);
  std::vector<Bytes> found;
  ERR_set_mark();
  for (const int odd : {0, 1}) {
    const Point point(EC_POINT_new(group.get()), EC_POINT_free);
    const Point key(EC_POINT_new(group.get()), EC_POINT_free);
    must(point != nullptr && key != nullptr);
    // r is x mod n; that x was n or more is as likely as to guess the key.
    if (EC_POINT_set_compressed_coordinates(group.get(), point.get(), r.get(), odd,
                                            scratch.get()) != 1) {
      continue;
    }
    must(EC_POINT_mul(group.get(), key.get(), of_g.get(), point.get(), of_r.get(), scratch.get()) ==
         1);
    Bytes encoded(1 + 2 * row.bytes);
    if (EC_POINT_point2oct(group.get(), key.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                           encoded.size(), scratch.get()) == encoded.size()) {
      found.push_back(ec_public_key(kind, encoded));
    }
  }
  ERR_pop_to_mark();
  return found;
}

}  // namespace pkcs11
