#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/key_material.h"
#include "tests/support/public_keys.h"

// Material that goes out of the token or comes into it.
namespace pkcs11 {
namespace {

using kms::test::OutsideKey;
using enum ImportScheme;

constexpr ImportScheme kSchemes[] = {oaep_sha1, oaep_sha256, rsa_aes_sha1, rsa_aes_sha256};
constexpr std::pair<KeyKind, int> kHmacs[] = {{KeyKind::hmac_224, 224},
                                              {KeyKind::hmac_256, 256},
                                              {KeyKind::hmac_384, 384},
                                              {KeyKind::hmac_512, 512}};
constexpr std::pair<KeyKind, const char*> kCurves[] = {{KeyKind::ec_p256, "P-256"},
                                                       {KeyKind::ec_p384, "P-384"},
                                                       {KeyKind::ec_p521, "P-521"},
                                                       {KeyKind::ec_secp256k1, "secp256k1"}};

Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

SignatureScheme scheme_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::ec_p384:
      return SignatureScheme::ecdsa_sha384;
    case KeyKind::ec_p521:
      return SignatureScheme::ecdsa_sha512;
    case KeyKind::ed25519:
      return SignatureScheme::ed25519;
    case KeyKind::rsa_2048:
    case KeyKind::rsa_3072:
    case KeyKind::rsa_4096:
      return SignatureScheme::rsa_pss_sha256;
    default:
      return SignatureScheme::ecdsa_sha256;
  }
}

struct TwoTokens : SoftHsmToken {
  TwoTokens() { softhsm.add_token("other"); }
};

class Exchange : public testing::Test {
 protected:
  /// The public key's owner is `key`.
  void expect_pair(Token& token, const MaterialRef& key, const Bytes& public_key) {
    const KeyKind kind = std::visit([](const auto& material) { return material.kind; }, key);
    const Bytes message = text("attack at dawn");
    const Bytes signature = token.sign(key, scheme_of(kind), MessageForm::message, message, soon());
    EXPECT_TRUE(kms::test::verifies(public_key, scheme_of(kind), message, signature));
    EXPECT_TRUE(
        token.verify(key, scheme_of(kind), MessageForm::message, message, signature, soon()));
  }
  std::variant<MaterialRef, ImportFault> import(ImportScheme scheme, ByteView material,
                                                KeyKind kind) {
    return token_->import_material(
        wrapping_, scheme, kms::test::wrap_for_import(wrapping_.public_key, scheme, material), kind,
        std::nullopt, soon());
  }
  MaterialRef imported(ImportScheme scheme, ByteView material, KeyKind kind) {
    return std::get<MaterialRef>(import(scheme, material, kind));
  }
  static ImportFault fault(const std::variant<MaterialRef, ImportFault>& result) {
    if (const auto* fault = std::get_if<ImportFault>(&result)) return *fault;
    ADD_FAILURE() << "it was taken";
    return {};
  }

  TwoTokens softhsm_;
  std::unique_ptr<Token> token_ = softhsm_.open();
  WrappedMaterial wrapping_ = token_->generate_wrapped(KeyKind::rsa_2048, soon());
};

TEST_F(Exchange, ADataKeyPairIsWholeAndGoneFromTheToken) {
  for (const KeyKind kind : {KeyKind::rsa_2048, KeyKind::ec_p256, KeyKind::ec_p384,
                             KeyKind::ec_p521, KeyKind::ec_secp256k1, KeyKind::ed25519}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const DataKeyPair pair = token_->generate_data_key_pair(kind, soon());
    EXPECT_EQ(kms::test::public_key_of(pair.private_key.view()), pair.public_key);
    const DataKeyPair another = token_->generate_data_key_pair(kind, soon());
    EXPECT_NE(another.public_key, pair.public_key);
  }
  EXPECT_TRUE(token_->objects(soon()).empty());
}

TEST_F(Exchange, TakesSecretKeysUnderEveryScheme) {
  const Bytes message = text("attack at dawn");
  for (const ImportScheme scheme : kSchemes) {
    SCOPED_TRACE(static_cast<int>(scheme));
    for (const auto& [kind, bits] : kHmacs) {
      Bytes key(static_cast<std::size_t>(bits) / 8, 0x5A);
      key.front() = 1;
      const MaterialRef taken = imported(scheme, key, kind);
      EXPECT_EQ(token_->mac(taken, message, soon()), kms::test::hmac(bits, key, message)) << bits;
    }
    const MaterialRef one = imported(scheme, Bytes(32, 0x11), KeyKind::aes_256);
    const MaterialRef same = imported(scheme, Bytes(32, 0x11), KeyKind::aes_256);
    const GcmCiphertext sealed = token_->gcm_encrypt(one, message, {}, soon());
    const auto opened = token_->gcm_decrypt(same, sealed.iv, sealed.data, {}, soon());
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->equals(message));
  }
}

TEST_F(Exchange, TakesPrivateKeysAndFindsTheirPublicOnes) {
  for (const auto& [kind, curve] : kCurves) {
    SCOPED_TRACE(curve);
    const OutsideKey key = kms::test::make_ec(curve);
    for (const ImportScheme scheme : kSchemes) {
      SCOPED_TRACE(static_cast<int>(scheme));
      if (kind == KeyKind::ec_p521 && scheme == oaep_sha256) continue;  // too long for RSA-2048
      if (kind == KeyKind::ec_p521 && scheme == oaep_sha1) continue;
      if (kind == KeyKind::ec_p384 && scheme == oaep_sha256) continue;
      const MaterialRef taken = imported(scheme, key.private_key, kind);
      EXPECT_EQ(std::get<WrappedMaterial>(taken).public_key, key.public_key);
      expect_pair(*token_, taken, key.public_key);
    }
  }
  const OutsideKey rsa = kms::test::make_rsa(3072);
  for (const ImportScheme scheme : {rsa_aes_sha1, rsa_aes_sha256}) {
    const MaterialRef taken = imported(scheme, rsa.private_key, KeyKind::rsa_3072);
    EXPECT_EQ(std::get<WrappedMaterial>(taken).public_key, rsa.public_key);
    expect_pair(*token_, taken, rsa.public_key);
  }
}

TEST_F(Exchange, HoldsAnEd25519KeyFromOutsideAsAnObject) {
  const OutsideKey key = kms::test::make_ed25519();
  std::uint8_t number = 0;
  for (const ImportScheme scheme : kSchemes) {
    const ObjectId id{0xED, ++number};
    const auto taken = token_->import_material(
        wrapping_, scheme,
        kms::test::wrap_for_import(wrapping_.public_key, scheme, key.private_key), KeyKind::ed25519,
        std::pair(id, std::string("key")), soon());
    const auto& material = std::get<ObjectMaterial>(std::get<MaterialRef>(taken));
    EXPECT_EQ(material.public_key, key.public_key);
    expect_pair(*token_, material, key.public_key);
  }
  EXPECT_EQ(token_->objects(soon()).size(), 4U);
}

TEST_F(Exchange, TellsWrongMaterialFromABrokenCiphertext) {
  for (const ImportScheme scheme : kSchemes) {
    SCOPED_TRACE(static_cast<int>(scheme));
    for (const auto& [kind, size] :
         {std::pair(KeyKind::aes_256, 16U), std::pair(KeyKind::aes_256, 31U),
          std::pair(KeyKind::aes_256, 33U), std::pair(KeyKind::hmac_256, 24U),
          std::pair(KeyKind::hmac_512, 32U), std::pair(KeyKind::hmac_224, 27U),
          std::pair(KeyKind::hmac_224, 29U), std::pair(KeyKind::hmac_224, 32U),
          std::pair(KeyKind::hmac_512, 63U), std::pair(KeyKind::ec_p256, 32U)}) {
      EXPECT_EQ(fault(import(scheme, Bytes(size, 7), kind)), ImportFault::material)
          << static_cast<int>(kind) << " " << size;
    }
    Bytes broken = kms::test::wrap_for_import(wrapping_.public_key, scheme, Bytes(32, 7));
    broken.back() ^= 1;
    for (const KeyKind kind : {KeyKind::aes_256, KeyKind::hmac_256}) {
      EXPECT_EQ(
          fault(token_->import_material(wrapping_, scheme, broken, kind, std::nullopt, soon())),
          ImportFault::ciphertext);
    }
    for (const std::size_t size : {0U, 1U, 255U}) {
      EXPECT_EQ(fault(token_->import_material(wrapping_, scheme, Bytes(size, 1), KeyKind::aes_256,
                                              std::nullopt, soon())),
                ImportFault::ciphertext);
    }
  }
  const OutsideKey p384 = kms::test::make_ec("P-384");
  EXPECT_EQ(fault(import(rsa_aes_sha256, p384.private_key, KeyKind::ec_p256)),
            ImportFault::material);
  const OutsideKey rsa = kms::test::make_rsa(2048);
  EXPECT_EQ(fault(import(rsa_aes_sha1, rsa.private_key, KeyKind::rsa_3072)), ImportFault::material);
  EXPECT_EQ(fault(import(rsa_aes_sha1, rsa.private_key, KeyKind::ec_p256)), ImportFault::material);
  EXPECT_TRUE(token_->objects(soon()).empty());
}

TEST_F(Exchange, ThePrivateKeyZeroIsNone) {
  for (const auto& [kind, curve] : kCurves) {
    SCOPED_TRACE(curve);
    Bytes key = kms::test::make_ec(curve).private_key;
    // ECPrivateKey (RFC 5915): its version, and the private key as OCTET STRING.
    constexpr std::array<std::uint8_t, 4> kVersion{0x02, 0x01, 0x01, 0x04};
    const auto version = std::search(key.begin(), key.end(), kVersion.begin(), kVersion.end());
    ASSERT_NE(version, key.end());
    const auto length = version + kVersion.size();
    std::fill_n(length + 1, *length, std::uint8_t{0});
    EXPECT_EQ(fault(import(rsa_aes_sha256, key, kind)), ImportFault::material);
  }
}

TEST_F(Exchange, AFingerprintKnowsTheSameMaterialAgain) {
  std::set<Bytes> seen;
  for (const KeyKind kind : {KeyKind::aes_256, KeyKind::hmac_256}) {
    for (const Bytes& material : {Bytes(32, 1), Bytes(32, 2)}) {
      const Bytes print = token_->fingerprint(imported(rsa_aes_sha256, material, kind), soon());
      EXPECT_EQ(token_->fingerprint(imported(oaep_sha1, material, kind), soon()), print);
      EXPECT_TRUE(seen.insert(print).second);
    }
  }
  const OutsideKey key = kms::test::make_ec("P-256");
  EXPECT_EQ(token_->fingerprint(imported(rsa_aes_sha1, key.private_key, KeyKind::ec_p256), soon()),
            key.public_key);
}

class Transport : public Exchange {
 protected:
  std::unique_ptr<Token> open_other() {
    TokenOptions options = softhsm_.options();
    options.selector.label = "other";
    return softhsm_.module()->open(std::move(options), soon());
  }
  std::unique_ptr<Token> other_ = open_other();
  WrappedMaterial carry(const WrappedMaterial& material) {
    return other_->import_transported(
        token_->export_material(material, other_->transport_key(soon()), soon()), soon());
  }
};

TEST_F(Transport, CarriesEveryKindToAnotherToken) {
  const Bytes message = text("attack at dawn");
  const WrappedMaterial aes = token_->generate_wrapped(KeyKind::aes_256, soon());
  const GcmCiphertext sealed = token_->gcm_encrypt(aes, message, {}, soon());
  const auto opened = other_->gcm_decrypt(carry(aes), sealed.iv, sealed.data, {}, soon());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->equals(message));
  for (const auto& [kind, bits] : kHmacs) {
    const WrappedMaterial key = token_->generate_wrapped(kind, soon());
    EXPECT_EQ(other_->mac(carry(key), message, soon()), token_->mac(key, message, soon())) << bits;
  }
  for (const KeyKind kind : {KeyKind::rsa_2048, KeyKind::ec_p256, KeyKind::ec_p384,
                             KeyKind::ec_p521, KeyKind::ec_secp256k1}) {
    const WrappedMaterial key = token_->generate_wrapped(kind, soon());
    const WrappedMaterial carried = carry(key);
    EXPECT_EQ(carried.public_key, key.public_key);
    expect_pair(*other_, carried, key.public_key);
  }
}

TEST_F(Transport, KeepsOneTransportKeyThatIsNoKeyOfOurs) {
  const Bytes key = other_->transport_key(soon());
  EXPECT_EQ(kms::test::key_bits(key), 4096);
  EXPECT_EQ(other_->transport_key(soon()), key);
  other_.reset();
  other_ = open_other();
  EXPECT_EQ(other_->transport_key(soon()), key);
  EXPECT_TRUE(other_->objects(soon()).empty());
  EXPECT_NE(token_->transport_key(soon()), key);
}

TEST_F(Transport, OpensNothingThatWasHandedToAnother) {
  const WrappedMaterial key = token_->generate_wrapped(KeyKind::ec_p256, soon());
  const TransportedKey good = token_->export_material(key, other_->transport_key(soon()), soon());
  EXPECT_EQ(failure_of([&] { (void)token_->import_transported(good, soon()); }),
            Failure::material_rejected);
  TransportedKey bad = good;
  bad.wrapped.back() ^= 1;
  EXPECT_EQ(failure_of([&] { (void)other_->import_transported(bad, soon()); }),
            Failure::material_rejected);
  bad = good;
  bad.wrapped_key.front() ^= 1;
  EXPECT_EQ(failure_of([&] { (void)other_->import_transported(bad, soon()); }),
            Failure::material_rejected);
  bad = good;
  bad.public_key = token_->generate_wrapped(KeyKind::ec_p256, soon()).public_key;
  EXPECT_EQ(failure_of([&] { (void)other_->import_transported(bad, soon()); }),
            Failure::material_rejected);
  EXPECT_EQ(other_->import_transported(good, soon()).public_key, key.public_key);
}

}  // namespace
}  // namespace pkcs11
