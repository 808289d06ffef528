#pragma once

#include "tests/contracts/token_contract.h"
#include "tests/support/public_keys.h"

// The rest of TokenContract: keys other than AES keys.
namespace pkcs11 {

using enum SignatureScheme;

struct SigningCase {
  KeyKind kind;
  std::vector<SignatureScheme> schemes;
  int key_bits;
};

/// Of the kinds that a token has keys of, as its maker says.
inline std::vector<SigningCase> signing_cases(const TokenMaker& maker) {
  std::vector<SigningCase> cases{
      {KeyKind::rsa_2048,
       {rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512, rsa_pss_sha256, rsa_pss_sha384,
        rsa_pss_sha512},
       2048},
      {KeyKind::ec_p256, {ecdsa_sha256}, 256},
      {KeyKind::ec_p384, {ecdsa_sha384}, 384},
      {KeyKind::ec_p521, {ecdsa_sha512}, 521},
      {KeyKind::ec_secp256k1, {ecdsa_sha256}, 256},
      {KeyKind::ed25519, {ed25519}, 256},
  };
  std::erase_if(cases,
                [&](const SigningCase& one) { return maker.holding(one.kind) == Holding::none; });
  return cases;
}

inline int hash_bits(SignatureScheme scheme) {
  switch (scheme) {
    case rsa_pkcs1_sha256:
    case rsa_pss_sha256:
    case ecdsa_sha256:
      return 256;
    case rsa_pkcs1_sha384:
    case rsa_pss_sha384:
    case ecdsa_sha384:
      return 384;
    default:
      return 512;
  }
}

TEST_P(TokenContract, HoldsEveryKindAsItsMakerSays) {
  for (int i = 0; i <= static_cast<int>(KeyKind::ml_dsa_87); ++i) {
    const auto kind = static_cast<KeyKind>(i);
    EXPECT_EQ(token().holding(kind, soon()), GetParam().holding(kind)) << i;
    EXPECT_EQ(token().holding(kind, soon()), GetParam().holding(kind)) << i;
  }
  EXPECT_TRUE(token().objects(soon()).empty());
}

TEST_P(TokenContract, AnybodyVerifiesWhatItSigns) {
  const Bytes message = bytes("attack at dawn");
  for (const SigningCase& one : signing_cases(GetParam())) {
    for (const MaterialRef& key : materials(one.kind)) {
      const Bytes& public_key = public_key_of(key);
      EXPECT_EQ(kms::test::key_bits(public_key), one.key_bits);
      for (const SignatureScheme scheme : one.schemes) {
        SCOPED_TRACE(static_cast<int>(scheme));
        const Bytes signature = token().sign(key, scheme, MessageForm::message, message, soon());
        EXPECT_TRUE(kms::test::verifies(public_key, scheme, message, signature));
        EXPECT_TRUE(token().verify(key, scheme, MessageForm::message, message, signature, soon()));
        EXPECT_FALSE(token().verify(key, scheme, MessageForm::message, bytes("attack at dusk"),
                                    signature, soon()));
        if (scheme == ed25519) continue;
        const Bytes digest = kms::test::sha(hash_bits(scheme), message);
        EXPECT_TRUE(token().verify(key, scheme, MessageForm::digest, digest, signature, soon()));
        const Bytes of_digest = token().sign(key, scheme, MessageForm::digest, digest, soon());
        EXPECT_TRUE(kms::test::verifies(public_key, scheme, message, of_digest));
        EXPECT_TRUE(token().verify(key, scheme, MessageForm::message, message, of_digest, soon()));
      }
    }
  }
}

TEST_P(TokenContract, SignsMessagesOfAnyLength) {
  for (const KeyKind kind : {KeyKind::rsa_2048, KeyKind::ec_p256, KeyKind::ed25519}) {
    if (holding_of(kind) == Holding::none) continue;
    const SignatureScheme scheme = kind == KeyKind::rsa_2048  ? rsa_pss_sha256
                                   : kind == KeyKind::ed25519 ? ed25519
                                                              : ecdsa_sha256;
    for (const MaterialRef& key : materials(kind)) {
      for (const std::size_t size : {1U, 64U, 4096U}) {
        const Bytes message(size, 0x42);
        const Bytes signature = token().sign(key, scheme, MessageForm::message, message, soon());
        EXPECT_TRUE(kms::test::verifies(public_key_of(key), scheme, message, signature)) << size;
      }
    }
  }
}

TEST_P(TokenContract, RefusesEveryChangedSignature) {
  const Bytes message = bytes("attack at dawn");
  for (const SigningCase& one : signing_cases(GetParam())) {
    const MaterialRef key = materials(one.kind).front();
    for (const SignatureScheme scheme : {one.schemes.front(), one.schemes.back()}) {
      SCOPED_TRACE(static_cast<int>(scheme));
      const auto refused = [&](const Bytes& signature) {
        return !token().verify(key, scheme, MessageForm::message, message, signature, soon());
      };
      const Bytes good = token().sign(key, scheme, MessageForm::message, message, soon());
      const std::size_t step = one.kind == KeyKind::rsa_2048 ? 37 : 1;
      for (std::size_t bit = 0; bit < good.size() * 8; bit += step) {
        Bytes changed = good;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
        ASSERT_TRUE(refused(changed)) << bit;
      }
      for (std::size_t size = 0; size < good.size(); ++size) {
        ASSERT_TRUE(refused(Bytes(good.begin(), good.begin() + static_cast<long>(size)))) << size;
      }
      Bytes longer = good;
      longer.push_back(0);
      EXPECT_TRUE(refused(longer));
      EXPECT_TRUE(refused(Bytes(good.size())));
      EXPECT_TRUE(refused(Bytes(good.size(), 0xFF)));
      EXPECT_FALSE(refused(good));
    }
  }
}

TEST_P(TokenContract, TakesNoOtherEncodingOfAnEcdsaSignature) {
  const MaterialRef key = materials(KeyKind::ec_p256).front();
  const Bytes message = bytes("x");
  const auto accepted = [&](const Bytes& signature) {
    return token().verify(key, ecdsa_sha256, MessageForm::message, message, signature, soon());
  };
  const Bytes good = token().sign(key, ecdsa_sha256, MessageForm::message, message, soon());
  ASSERT_TRUE(accepted(good));
  // A length in the long form; a zero byte before r; nothing but what is asked for.
  Bytes long_form = good;
  long_form.insert(long_form.begin() + 1, 0x81);
  EXPECT_FALSE(accepted(long_form));
  Bytes padded = good;
  padded[1] = static_cast<std::uint8_t>(padded[1] + 1);
  padded[3] = static_cast<std::uint8_t>(padded[3] + 1);
  padded.insert(padded.begin() + 4, 0);
  EXPECT_FALSE(accepted(padded));
  Bytes trailing = good;
  trailing[1] = static_cast<std::uint8_t>(trailing[1] + 2);
  trailing.insert(trailing.end(), {0x05, 0x00});
  EXPECT_FALSE(accepted(trailing));
}

TEST_P(TokenContract, RefusesWhatDoesNotFitTheKey) {
  const MaterialRef rsa = materials(KeyKind::rsa_2048).front();
  const MaterialRef ec = materials(KeyKind::ec_p256).front();
  const MaterialRef hmac = materials(KeyKind::hmac_256).front();
  const MaterialRef aes = materials().front();
  const Bytes digest(32, 7);
  const auto signing = [&](const MaterialRef& key, SignatureScheme scheme, MessageForm form,
                           const Bytes& message) {
    return failure_of([&] { (void)token().sign(key, scheme, form, message, soon()); });
  };
  // SoftHSM 2.6.1 crashes on PSS with any of these.
  for (const MaterialRef& key : {ec, hmac, aes}) {
    EXPECT_EQ(signing(key, rsa_pss_sha256, MessageForm::digest, digest), Failure::bad_argument);
    EXPECT_EQ(failure_of([&] { (void)token().oaep_encrypt(key, OaepHash::sha1, digest, soon()); }),
              Failure::bad_argument);
    EXPECT_EQ(failure_of([&] { (void)token().oaep_decrypt(key, OaepHash::sha1, digest, soon()); }),
              Failure::bad_argument);
  }
  EXPECT_EQ(signing(rsa, ecdsa_sha256, MessageForm::digest, digest), Failure::bad_argument);
  EXPECT_EQ(signing(ec, ecdsa_sha384, MessageForm::digest, Bytes(48)), Failure::bad_argument);
  EXPECT_EQ(signing(ec, ecdsa_sha256, MessageForm::digest, Bytes(31)), Failure::bad_argument);
  EXPECT_EQ(signing(rsa, rsa_pss_sha512, MessageForm::digest, digest), Failure::bad_argument);
  EXPECT_EQ(failure_of([&] { (void)token().mac(aes, digest, soon()); }), Failure::bad_argument);
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(hmac, digest, {}, soon()); }),
            Failure::bad_argument);
  EXPECT_EQ(failure_of([&] { (void)token().ecdh(rsa, digest, soon()); }), Failure::bad_argument);
  EXPECT_EQ(failure_of([&] {
              (void)token().oaep_encrypt(rsa, OaepHash::sha256, Bytes(256 - 65), soon());
            }),
            Failure::bad_argument);

  // A record that tells the wrong kind of what the token holds.
  ObjectMaterial lie = std::get<ObjectMaterial>(materials(KeyKind::ec_p256).front());
  lie.kind = KeyKind::ec_p384;
  EXPECT_EQ(signing(lie, ecdsa_sha384, MessageForm::digest, Bytes(48)), Failure::bad_argument);
}

TEST_P(TokenContract, MakesTheMacsOfItsHash) {
  const Bytes message = bytes("what do ya want for nothing?");
  for (const auto& [kind, size] :
       {std::pair(KeyKind::hmac_224, 28U), std::pair(KeyKind::hmac_256, 32U),
        std::pair(KeyKind::hmac_384, 48U), std::pair(KeyKind::hmac_512, 64U)}) {
    for (const MaterialRef& key : materials(kind)) {
      const Bytes mac = token().mac(key, message, soon());
      EXPECT_EQ(mac.size(), size);
      EXPECT_EQ(token().mac(key, message, soon()), mac);
      EXPECT_TRUE(token().verify_mac(key, message, mac, soon()));
      EXPECT_FALSE(token().verify_mac(key, bytes("what"), mac, soon()));
      for (std::size_t bit = 0; bit < mac.size() * 8; ++bit) {
        Bytes changed = mac;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
        ASSERT_FALSE(token().verify_mac(key, message, changed, soon())) << bit;
      }
      EXPECT_FALSE(token().verify_mac(key, message, {}, soon()));
      EXPECT_FALSE(token().verify_mac(key, message, Bytes(mac.begin(), mac.end() - 1), soon()));
      EXPECT_NE(token().mac(materials(kind).front(), message, soon()), mac);
      EXPECT_EQ(token().mac(key, Bytes(4096, 1), soon()).size(), size);
    }
  }
}

TEST_P(TokenContract, DecryptsWhatAnybodyEncrypts) {
  for (const MaterialRef& key : materials(KeyKind::rsa_2048)) {
    for (const OaepHash hash : {OaepHash::sha1, OaepHash::sha256}) {
      const std::size_t most = 256 - 2 - 2 * (hash == OaepHash::sha1 ? 20 : 32);
      for (const std::size_t size : {std::size_t{1}, std::size_t{32}, most}) {
        SCOPED_TRACE(size);
        const Bytes plaintext(size, 0x42);
        for (const Bytes& sealed : {kms::test::oaep_encrypt(public_key_of(key), hash, plaintext),
                                    token().oaep_encrypt(key, hash, plaintext, soon())}) {
          EXPECT_EQ(sealed.size(), 256U);
          const auto opened = token().oaep_decrypt(key, hash, sealed, soon());
          ASSERT_TRUE(opened.has_value());
          EXPECT_TRUE(opened->equals(plaintext));
        }
      }
    }
  }
}

TEST_P(TokenContract, RefusesEveryChangedRsaCiphertext) {
  const Bytes plaintext = bytes("attack at dawn");
  for (const MaterialRef& key : materials(KeyKind::rsa_2048)) {
    for (const OaepHash hash : {OaepHash::sha1, OaepHash::sha256}) {
      const OaepHash other = hash == OaepHash::sha1 ? OaepHash::sha256 : OaepHash::sha1;
      const Bytes good = token().oaep_encrypt(key, hash, plaintext, soon());
      for (std::size_t bit = 0; bit < good.size() * 8; bit += 301) {
        Bytes changed = good;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
        EXPECT_FALSE(token().oaep_decrypt(key, hash, changed, soon()).has_value()) << bit;
      }
      EXPECT_FALSE(token().oaep_decrypt(key, other, good, soon()).has_value());
      for (const std::size_t size : {0U, 1U, 255U}) {
        EXPECT_FALSE(token().oaep_decrypt(key, hash, Bytes(size, 1), soon()).has_value());
      }
      Bytes longer = good;
      longer.insert(longer.begin(), 0);
      EXPECT_FALSE(token().oaep_decrypt(key, hash, longer, soon()).has_value());
      EXPECT_FALSE(token().oaep_decrypt(key, hash, Bytes(256), soon()).has_value());
      EXPECT_FALSE(token().oaep_decrypt(key, hash, Bytes(256, 0xFF), soon()).has_value());
      EXPECT_TRUE(token().oaep_decrypt(key, hash, good, soon()).has_value());
    }
  }
}

TEST_P(TokenContract, AgreesOnASecretWithAnybodyOnTheCurve) {
  const std::vector<std::pair<KeyKind, const char*>> curves{
      {KeyKind::ec_p256, "P-256"}, {KeyKind::ec_p384, "P-384"}, {KeyKind::ec_p521, "P-521"}};
  const kms::test::Peer stranger("secp256k1");
  for (const auto& [kind, group] : curves) {
    const kms::test::Peer peer(group);
    for (const MaterialRef& key : materials(kind)) {
      const auto secret = token().ecdh(key, peer.public_key(), soon());
      ASSERT_TRUE(secret.has_value());
      EXPECT_TRUE(secret->equals(peer.agree(public_key_of(key))));
      EXPECT_FALSE(token().ecdh(key, stranger.public_key(), soon()).has_value());
      EXPECT_FALSE(token().ecdh(key, {}, soon()).has_value());
      EXPECT_FALSE(token().ecdh(key, bytes("no key"), soon()).has_value());
      Bytes off_curve = peer.public_key();
      off_curve.back() ^= 1;
      EXPECT_FALSE(token().ecdh(key, off_curve, soon()).has_value());
      Bytes longer = peer.public_key();
      longer.push_back(0);
      EXPECT_FALSE(token().ecdh(key, longer, soon()).has_value());
    }
  }
}

TEST_P(TokenContract, APairIsOneObject) {
  const ObjectId id = new_id();
  const ObjectMaterial key = token().generate_object(KeyKind::ec_p256, id, "arn:pair", soon());
  const std::vector<TokenObject> all = token().objects(soon());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, id);
  EXPECT_EQ(all[0].label, "arn:pair");
  EXPECT_TRUE(token().has_object(id, soon()));
  EXPECT_EQ(
      failure_of([&] { (void)token().generate_object(KeyKind::ec_p256, id, "again", soon()); }),
      Failure::bad_argument);
  const Bytes signature = token().sign(key, ecdsa_sha256, MessageForm::message, bytes("x"), soon());
  EXPECT_TRUE(token().destroy_object(id, soon()));
  EXPECT_FALSE(token().has_object(id, soon()));
  EXPECT_FALSE(token().destroy_object(id, soon()));
  EXPECT_TRUE(token().objects(soon()).empty());
  EXPECT_EQ(failure_of([&] {
              (void)token().sign(key, ecdsa_sha256, MessageForm::message, bytes("x"), soon());
            }),
            Failure::key_not_found);
  EXPECT_EQ(failure_of([&] {
              (void)token().verify(key, ecdsa_sha256, MessageForm::message, bytes("x"), signature,
                                   soon());
            }),
            Failure::key_not_found);
}

TEST_P(TokenContract, RejectsMaterialThatIsNotWhatItsRecordSays) {
  if (refuses_to_wrap(KeyKind::ec_p256)) return;
  const auto rejected = [&](const WrappedMaterial& bad, SignatureScheme scheme) {
    return failure_of([&] {
             (void)token().sign(bad, scheme, MessageForm::message, bytes("x"), soon());
           }) == Failure::material_rejected;
  };
  const WrappedMaterial good = token().generate_wrapped(KeyKind::ec_p256, soon());
  const WrappedMaterial other = token().generate_wrapped(KeyKind::ec_p256, soon());
  WrappedMaterial bad = good;
  bad.public_key = other.public_key;
  EXPECT_TRUE(rejected(bad, ecdsa_sha256));
  bad = good;
  bad.public_key.clear();
  EXPECT_TRUE(rejected(bad, ecdsa_sha256));
  bad = good;
  bad.blob[20] ^= 1;
  EXPECT_TRUE(rejected(bad, ecdsa_sha256));
  bad = good;
  bad.kind = KeyKind::ec_p384;
  EXPECT_TRUE(rejected(bad, ecdsa_sha384));
  bad = token().generate_wrapped(KeyKind::rsa_2048, soon());
  bad.public_key = token().generate_wrapped(KeyKind::rsa_2048, soon()).public_key;
  EXPECT_TRUE(rejected(bad, rsa_pss_sha256));
  bad = token().generate_wrapped(KeyKind::hmac_384, soon());
  bad.kind = KeyKind::aes_256;
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(bad, {}, {}, soon()); }),
            Failure::material_rejected);
  (void)token().sign(good, ecdsa_sha256, MessageForm::message, bytes("x"), soon());
}

TEST_P(TokenContract, KnowsWhatItSigns) {
  const auto signs = [&](SignatureScheme scheme, MessageForm form) {
    return token().signs(scheme, form, soon());
  };
  const bool has_ed25519 = holding_of(KeyKind::ed25519) != Holding::none;
  EXPECT_EQ(signs(ed25519, MessageForm::message), has_ed25519);
  for (const SigningCase& one : signing_cases(GetParam())) {
    for (const SignatureScheme scheme : one.schemes) {
      EXPECT_TRUE(signs(scheme, MessageForm::message)) << static_cast<int>(scheme);
      EXPECT_EQ(signs(scheme, MessageForm::digest), scheme != ed25519) << static_cast<int>(scheme);
      EXPECT_FALSE(signs(scheme, MessageForm::external_mu));
    }
  }
  // SoftHSM 2.6.1 takes the parameter that asks for it, and signs without it.
  EXPECT_FALSE(signs(ed25519_ph, MessageForm::message));
  EXPECT_FALSE(signs(ed25519_ph, MessageForm::digest));
  EXPECT_FALSE(signs(ml_dsa, MessageForm::message));
  EXPECT_FALSE(signs(ml_dsa, MessageForm::external_mu));
  EXPECT_TRUE(token().objects(soon()).empty());

  EXPECT_EQ(failure_of([&] { (void)token().generate_wrapped(KeyKind::ml_dsa_44, soon()); }),
            Failure::unsupported);
  if (!has_ed25519) return;
  const MaterialRef key = materials(KeyKind::ed25519).front();
  for (const MessageForm form : {MessageForm::message, MessageForm::digest}) {
    EXPECT_EQ(failure_of([&] { (void)token().sign(key, ed25519_ph, form, Bytes(64, 1), soon()); }),
              Failure::unsupported);
  }
}

TEST_P(TokenContract, RefusesKindsThatItDoesNotHave) {
  for (int i = 0; i <= static_cast<int>(KeyKind::ml_dsa_87); ++i) {
    const auto kind = static_cast<KeyKind>(i);
    if (holding_of(kind) != Holding::none) continue;
    EXPECT_EQ(failure_of([&] { (void)token().generate_wrapped(kind, soon()); }),
              Failure::unsupported)
        << i;
    EXPECT_EQ(failure_of([&] { (void)token().generate_object(kind, new_id(), "key", soon()); }),
              Failure::unsupported)
        << i;
  }
  EXPECT_TRUE(token().objects(soon()).empty());
}

TEST_P(TokenContract, HoldsTheLargeRsaKeysToo) {
  for (const auto& [kind, bits] :
       {std::pair(KeyKind::rsa_3072, 3072), std::pair(KeyKind::rsa_4096, 4096)}) {
    const MaterialRef key = materials(kind).back();
    EXPECT_EQ(kms::test::key_bits(public_key_of(key)), bits);
    const Bytes message = bytes("x");
    for (const SignatureScheme scheme : {rsa_pkcs1_sha384, rsa_pss_sha512}) {
      const Bytes signature = token().sign(key, scheme, MessageForm::message, message, soon());
      EXPECT_TRUE(kms::test::verifies(public_key_of(key), scheme, message, signature));
      EXPECT_TRUE(token().verify(key, scheme, MessageForm::message, message, signature, soon()));
    }
    const auto opened = token().oaep_decrypt(
        key, OaepHash::sha256,
        kms::test::oaep_encrypt(public_key_of(key), OaepHash::sha256, message), soon());
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(opened->equals(message));
  }
}

}  // namespace pkcs11
