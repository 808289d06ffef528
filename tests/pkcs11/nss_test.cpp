#include "tests/pkcs11/nss_token.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/key_material.h"
#include "tests/support/public_keys.h"

// What TokenContract does not ask of a second module: login, and material from outside and for it.
namespace pkcs11 {
namespace {

using enum ImportScheme;

constexpr ImportScheme kSchemes[] = {oaep_sha1, oaep_sha256, rsa_aes_sha1, rsa_aes_sha256};

class Nss : public testing::Test {
 protected:
  std::variant<MaterialRef, ImportFault> import(ImportScheme scheme, ByteView material,
                                                KeyKind kind) {
    return token_->import_material(
        wrapping_, scheme, kms::test::wrap_for_import(wrapping_.public_key, scheme, material), kind,
        std::nullopt, soon());
  }

  NssToken nss_;
  std::unique_ptr<Token> token_ = nss_.open();
  WrappedMaterial wrapping_ = token_->generate_wrapped(KeyKind::rsa_2048, soon());
};

TEST_F(Nss, RefusesAWrongPinAndTakesTheRightOneAfterIt) {
  token_.reset();
  EXPECT_EQ(failure_of([&] { (void)nss_.module()->open(nss_.options("not-this-one"), soon()); }),
            Failure::pin_incorrect);
  token_ = nss_.open();
  EXPECT_EQ(token_->info().label, NssToken::kLabel);
}

TEST_F(Nss, KeepsItsKeysOverALogout) {
  const ObjectMaterial object = token_->generate_object(KeyKind::ec_p256, {7}, "key", soon());
  const WrappedMaterial wrapped = token_->generate_wrapped(KeyKind::aes_256, soon());
  const Bytes message{1, 2, 3};
  const GcmCiphertext sealed = token_->gcm_encrypt(wrapped, message, {}, soon());
  token_.reset();
  token_ = nss_.open();
  const auto opened = token_->gcm_decrypt(wrapped, sealed.iv, sealed.data, {}, soon());
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(opened->equals(message));
  const Bytes signature =
      token_->sign(object, SignatureScheme::ecdsa_sha256, MessageForm::message, message, soon());
  EXPECT_TRUE(
      kms::test::verifies(object.public_key, SignatureScheme::ecdsa_sha256, message, signature));
}

TEST_F(Nss, MakesWholeDataKeyPairs) {
  for (const KeyKind kind :
       {KeyKind::rsa_2048, KeyKind::ec_p256, KeyKind::ec_p384, KeyKind::ec_p521}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const DataKeyPair pair = token_->generate_data_key_pair(kind, soon());
    EXPECT_EQ(kms::test::public_key_of(pair.private_key.view()), pair.public_key);
  }
  for (const KeyKind kind : {KeyKind::ec_secp256k1, KeyKind::ed25519}) {
    EXPECT_EQ(failure_of([&] { (void)token_->generate_data_key_pair(kind, soon()); }),
              Failure::unsupported);
  }
  EXPECT_TRUE(token_->objects(soon()).empty());
}

TEST_F(Nss, TakesSecretAndRsaKeysFromOutside) {
  const Bytes message{1, 2, 3};
  for (const ImportScheme scheme : kSchemes) {
    SCOPED_TRACE(static_cast<int>(scheme));
    const Bytes key(32, 0x5A);
    const auto hmac = std::get<MaterialRef>(import(scheme, key, KeyKind::hmac_256));
    EXPECT_EQ(token_->mac(hmac, message, soon()), kms::test::hmac(256, key, message));
    const auto aes = std::get<MaterialRef>(import(scheme, key, KeyKind::aes_256));
    const auto same = std::get<MaterialRef>(import(scheme, key, KeyKind::aes_256));
    EXPECT_EQ(token_->fingerprint(aes, soon()), token_->fingerprint(same, soon()));
    EXPECT_EQ(std::get<ImportFault>(import(scheme, Bytes(31, 7), KeyKind::aes_256)),
              ImportFault::material);
    Bytes broken = kms::test::wrap_for_import(wrapping_.public_key, scheme, key);
    for (const std::size_t at : {std::size_t{0}, broken.size() - 1}) {
      broken[at] ^= 1;
      EXPECT_EQ(std::get<ImportFault>(token_->import_material(
                    wrapping_, scheme, broken, KeyKind::aes_256, std::nullopt, soon())),
                ImportFault::ciphertext);
      broken[at] ^= 1;
    }
  }
  const kms::test::OutsideKey rsa = kms::test::make_rsa(2048);
  const auto taken =
      std::get<MaterialRef>(import(rsa_aes_sha256, rsa.private_key, KeyKind::rsa_2048));
  const Bytes signature =
      token_->sign(taken, SignatureScheme::rsa_pss_sha256, MessageForm::message, message, soon());
  EXPECT_TRUE(
      kms::test::verifies(rsa.public_key, SignatureScheme::rsa_pss_sha256, message, signature));
}

}  // namespace
}  // namespace pkcs11
