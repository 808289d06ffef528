#include <variant>

#include "tests/connector/keystores/fixture.h"
#include "tests/support/public_keys.h"

namespace kms::test {
namespace {

using enum pkcs11::SignatureScheme;
using pkcs11::KeyKind;
using pkcs11::MessageForm;

constexpr unsigned long kDeviceError = 0x30;
constexpr unsigned long kForever = ~0UL;

class AsymmetricKeys : public KeyStoresTest {
 protected:
  static const pkcs11::MaterialRef& ref(const keys::KeyPtr& key) {
    return key->materials.front().generations.front().ref;
  }
  static Bytes public_key(const keys::KeyPtr& key) {
    return std::visit([](const auto& material) { return material.public_key; }, ref(key));
  }
};

TEST_F(AsymmetricKeys, AreWrappedWhereTheTokenCanAndObjectsElsewhere) {
  const auto region = stores().region(kHere.region);
  EXPECT_FALSE(region->reserve(KeyKind::rsa_2048, soon()));
  EXPECT_FALSE(region->reserve(KeyKind::hmac_384, soon()));
  // SoftHSM 2.6.1 does not wrap Ed25519 keys.
  const auto reserved = region->reserve(KeyKind::ed25519, soon());
  ASSERT_TRUE(reserved);
  EXPECT_TRUE(std::holds_alternative<pkcs11::ObjectMaterial>(*reserved));
}

TEST_F(AsymmetricKeys, NamesTheSpecThatNoTokenHolds) {
  EXPECT_EQ(
      outcome([&] { (void)stores().region(kHere.region)->reserve(KeyKind::ml_dsa_44, soon()); }),
      "400 UnsupportedOperationException: KeySpec ML_DSA_44 is not supported in this Region");
}

TEST_F(AsymmetricKeys, AnObjectSignsAndIsDestroyed) {
  const keys::KeyPtr key = make_key({}, KeyKind::ed25519);
  ASSERT_TRUE(std::holds_alternative<pkcs11::ObjectMaterial>(ref(key)));
  const auto store = stores().of(*key);
  const Bytes signature =
      store->sign(authorized(key), ed25519, MessageForm::message, as_bytes("m"), soon());
  EXPECT_TRUE(verifies(public_key(key), ed25519, as_bytes("m"), signature));
  EXPECT_TRUE(stores().reconcile({}, soon()).lines.empty());
  EXPECT_TRUE(store->destroy(ref(key), soon()));
  EXPECT_FALSE(store->destroy(ref(key), soon()));
}

TEST_F(AsymmetricKeys, SignAfterARestart) {
  const keys::KeyPtr key = make_key({}, KeyKind::ec_p256);
  const Bytes spki = public_key(key);
  restart();
  const keys::KeyPtr again = fresh(key);
  const auto store = stores().of(*again);
  EXPECT_EQ(public_key(again), spki);
  const Bytes signature =
      store->sign(authorized(again), ecdsa_sha256, MessageForm::message, as_bytes("m"), soon());
  EXPECT_TRUE(verifies(spki, ecdsa_sha256, as_bytes("m"), signature));
}

TEST_F(AsymmetricKeys, AFaultOfTheTokenIsNoBadSignatureMacOrCiphertext) {
  const keys::KeyPtr pair = make_key({}, KeyKind::rsa_2048);
  const keys::KeyPtr secret = make_key({}, KeyKind::hmac_256);
  const auto store = stores().of(*pair);
  const Bytes signature =
      store->sign(authorized(pair), rsa_pkcs1_sha256, MessageForm::message, as_bytes("m"), soon());
  const Bytes mac = store->generate_mac(authorized(secret), as_bytes("m"), soon());
  const Bytes sealed =
      store->rsa_encrypt(authorized(pair), pkcs11::OaepHash::sha1, as_bytes("m"), soon());
  const auto brief = [] { return std::chrono::steady_clock::now() + std::chrono::seconds{1}; };
  for (const char* function : {"C_SignInit", "C_VerifyInit", "C_DecryptInit"}) {
    proxy().fail(function, kDeviceError, 0, kForever);
  }
  const std::string internal = "500 KMSInternalException: Internal error.";
  EXPECT_EQ(outcome([&] {
              (void)store->verify(authorized(pair), rsa_pkcs1_sha256, MessageForm::message,
                                  as_bytes("m"), signature, brief());
            }),
            internal);
  EXPECT_EQ(
      outcome([&] { (void)store->verify_mac(authorized(secret), as_bytes("m"), mac, brief()); }),
      internal);
  EXPECT_EQ(outcome([&] {
              (void)store->rsa_decrypt(authorized(pair), pkcs11::OaepHash::sha1, sealed, brief());
            }),
            internal);
  proxy().clear_failures();
  EXPECT_TRUE(store->verify(authorized(pair), rsa_pkcs1_sha256, MessageForm::message, as_bytes("m"),
                            signature, soon()));
}

}  // namespace
}  // namespace kms::test
