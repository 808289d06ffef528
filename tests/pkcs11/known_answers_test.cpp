#include <gtest/gtest.h>

#include "pkcs11/ecdsa_signature.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/loaded_module.h"
#include "pkcs11/oaep.h"
#include "pkcs11/public_key.h"
#include "pkcs11/signature_scheme.h"
#include "pkcs11/templates.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/public_keys.h"

// What others published, through the token, with the very tables and templates of the token layer.
namespace pkcs11 {
namespace {

using enum SignatureScheme;
using kms::test::from_hex;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class KnownAnswers : public testing::Test {
 protected:
  SoftHsmToken softhsm_;
  std::unique_ptr<Token> token_ = softhsm_.open();
  LoadedModule& module_ = dynamic_cast<LoadedModule&>(*softhsm_.module());
  Session session_{module_.functions(), module_.present_tokens().front().slot};

  CK_OBJECT_HANDLE public_key(KeyKind kind, const Bytes& info) {
    std::optional<Attributes> wanted = templates::public_object(kind, info);
    if (!wanted) {
      ADD_FAILURE() << "not a public key of the kind";
      return CK_INVALID_HANDLE;
    }
    return session_.create(std::move(*wanted));
  }
  bool verifies(KeyKind kind, SignatureScheme scheme, const Bytes& key, const Bytes& message,
                const Bytes& raw) {
    const SchemeInfo& row = info(scheme);
    const SigningMechanism mechanism(row, false);
    const CK_OBJECT_HANDLE object = public_key(kind, key);
    EXPECT_EQ(read_public_key(session_, kind, object), key);
    Bytes data = message;
    if (row.digest != 0) data = session_.digest(row.digest, message);
    return session_.verify(mechanism.get(), object, data, raw);
  }
};

struct EcdsaVector {
  KeyKind kind;
  SignatureScheme scheme;
  const char* head;  // of the SubjectPublicKeyInfo (RFC 5480)
  const char* x;
  const char* y;
  const char* r;
  const char* s;
};

/// RFC 6979, A.2.5 to A.2.7: message "sample" with the hash of the curve.
const EcdsaVector kEcdsa[]{
    {KeyKind::ec_p256, ecdsa_sha256, "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
     "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
     "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
     "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
    {KeyKind::ec_p384, ecdsa_sha384, "3076301006072a8648ce3d020106052b8104002203620004",
     "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480B"
     "C"
     "13",
     "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264"
     "7"
     "20",
     "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FAB"
     "E"
     "46",
     "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628"
     "A"
     "C8"},
    {KeyKind::ec_p521, ecdsa_sha512, "30819b301006072a8648ce3d020106052b810400230381860004",
     "01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB"
     "6"
     "33155D38FFA16D2BD761DCAC474B9A2F5023A4",
     "00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28A0DB25741B5B34A828008B22ACC"
     "2"
     "3F924FAAFBD4D33F81EA66956DFEAA2BFDFCF5",
     "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152"
     "B"
     "534931D7D4E8455CC91F9B15BF05EC36E377FA",
     "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF"
     "0"
     "777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A"},
};

TEST_F(KnownAnswers, VerifiesRfc6979) {
  for (const EcdsaVector& vector : kEcdsa) {
    const Bytes key = from_hex(vector.head) + from_hex(vector.x) + from_hex(vector.y);
    const Bytes raw = from_hex(vector.r) + from_hex(vector.s);
    EXPECT_TRUE(verifies(vector.kind, vector.scheme, key, bytes("sample"), raw));
    EXPECT_FALSE(verifies(vector.kind, vector.scheme, key, bytes("Sample"), raw));
    EXPECT_TRUE(kms::test::verifies(key, vector.scheme, bytes("sample"), ecdsa_to_der(raw)));
    EXPECT_EQ(ecdsa_from_der(ecdsa_to_der(raw), info(vector.kind).bytes), raw);
    EXPECT_TRUE(valid_ec_point(vector.kind, key).has_value());
  }
}

TEST_F(KnownAnswers, VerifiesRfc8032) {
  const Bytes head = from_hex("302a300506032b6570032100");  // RFC 8410, 4
  // RFC 8032, 7.1: TEST 1 and TEST 2.
  EXPECT_TRUE(verifies(
      KeyKind::ed25519, ed25519,
      head + from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), {},
      from_hex(
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
          "39701cf9b46bd25bf5f0595bbe24655141438e7a100b")));
  EXPECT_TRUE(verifies(
      KeyKind::ed25519, ed25519,
      head + from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), {0x72},
      from_hex(
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
          "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")));
}

TEST_F(KnownAnswers, MakesTheMacsOfRfc4231) {
  // 4.7: a key longer than a block, which every token takes.
  const Bytes key(131, 0xAA);
  const Bytes message = bytes("Test Using Larger Than Block-Size Key - Hash Key First");
  for (const auto& [kind, mac] :
       {std::pair(KeyKind::hmac_224, "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e"),
        std::pair(KeyKind::hmac_256,
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        std::pair(KeyKind::hmac_384,
                  "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe82"
                  "96248df163f44952"),
        std::pair(KeyKind::hmac_512,
                  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598"
                  "bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598")}) {
    Attributes wanted = templates::unwrapped(kind);
    wanted.add(CKA_VALUE, key);
    const CK_OBJECT_HANDLE object = session_.create(std::move(wanted));
    EXPECT_EQ(session_.sign(info(kind).mac, object, message), from_hex(mac));
  }
}

TEST(EcdsaSignature, TakesDerOnly) {
  const auto taken = [](const char* hex) { return ecdsa_from_der(from_hex(hex), 4).has_value(); };
  EXPECT_EQ(ecdsa_from_der(from_hex("3006020101020102"), 4), from_hex("0000000100000002"));
  EXPECT_EQ(ecdsa_from_der(from_hex("3009020500ffffffff020100"), 4), std::nullopt);
  EXPECT_EQ(ecdsa_from_der(from_hex("300a020500ffffffff020100"), 4), from_hex("ffffffff00000000"));
  EXPECT_TRUE(taken("300a02047fffffff02020080"));
  EXPECT_FALSE(taken("")) << "nothing";
  EXPECT_FALSE(taken("30"));
  EXPECT_FALSE(
      taken("3080020101020102"
            "0000"))
      << "indefinite length";
  EXPECT_FALSE(taken("308106020101020102")) << "length in the long form";
  EXPECT_FALSE(taken("3007020101020102")) << "beyond the end";
  EXPECT_FALSE(taken("300602010102010200")) << "behind the end";
  EXPECT_FALSE(taken("30080201010201020500")) << "a third element";
  EXPECT_FALSE(taken("3003020101")) << "one integer";
  EXPECT_FALSE(taken("300702020001020102")) << "zeros in front";
  EXPECT_FALSE(taken("3006020181020102")) << "negative";
  EXPECT_FALSE(
      taken("300502000201"
            "02"))
      << "empty integer";
  EXPECT_FALSE(taken("3006030101020102")) << "no integer";
  EXPECT_FALSE(taken("3106020101020102")) << "no sequence";
  EXPECT_FALSE(taken("300a02050100000000020102")) << "too long for the curve";
}

TEST(PublicKey, IsOfItsKindAndInDerOnly) {
  const Bytes p256 = from_hex(kEcdsa[0].head) + from_hex(kEcdsa[0].x) + from_hex(kEcdsa[0].y);
  const auto taken = [](KeyKind kind, const Bytes& key) {
    return templates::public_object(kind, key).has_value();
  };
  EXPECT_TRUE(taken(KeyKind::ec_p256, p256));
  for (const KeyKind other : {KeyKind::ec_p384, KeyKind::ec_secp256k1, KeyKind::ed25519,
                              KeyKind::rsa_2048, KeyKind::ml_dsa_44}) {
    EXPECT_FALSE(taken(other, p256));
  }
  for (std::size_t size = 0; size < p256.size(); ++size) {
    EXPECT_FALSE(
        taken(KeyKind::ec_p256, Bytes(p256.begin(), p256.begin() + static_cast<long>(size))));
  }
  Bytes longer = p256;
  longer.push_back(0);
  EXPECT_FALSE(taken(KeyKind::ec_p256, longer));
  Bytes compressed = p256;
  compressed[26] = 0x02;
  EXPECT_FALSE(taken(KeyKind::ec_p256, compressed));
  Bytes off_curve = p256;
  off_curve.back() ^= 1;
  EXPECT_FALSE(valid_ec_point(KeyKind::ec_p256, off_curve).has_value());
  EXPECT_FALSE(valid_ec_point(KeyKind::ec_p384, p256).has_value());
  EXPECT_FALSE(valid_ec_point(KeyKind::rsa_2048, p256).has_value());
}

TEST(Oaep, UnpadsWhatItPads) {
  for (const OaepHash hash : {OaepHash::sha1, OaepHash::sha256}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, oaep::most(hash, 256)}) {
      const Bytes plaintext(size, 0x42);
      SecretBytes padded = oaep::pad(hash, plaintext, 256);
      EXPECT_EQ(padded.size(), 256U);
      EXPECT_EQ(padded.data()[0], 0);
      const auto opened = oaep::unpad(hash, padded.view());
      ASSERT_TRUE(opened.has_value());
      EXPECT_TRUE(opened->equals(plaintext));
      for (std::size_t bit = 0; bit < 2048; bit += 61) {
        padded.data()[bit / 8] = static_cast<std::uint8_t>(padded.data()[bit / 8] ^ 1 << bit % 8);
        EXPECT_FALSE(oaep::unpad(hash, padded.view()).has_value()) << bit;
        padded.data()[bit / 8] = static_cast<std::uint8_t>(padded.data()[bit / 8] ^ 1 << bit % 8);
      }
      EXPECT_FALSE(
          oaep::unpad(hash == OaepHash::sha1 ? OaepHash::sha256 : OaepHash::sha1, padded.view()));
    }
  }
}

TEST(Oaep, PadsNothingOutsideWhereThatIsSwitchedOff) {
  SoftHsmToken softhsm;
  TokenOptions options = softhsm.options();
  options.quirks.rsa_padding_outside = false;
  const std::unique_ptr<Token> token = softhsm.module()->open(std::move(options), soon());
  const MaterialRef key = token->generate_wrapped(KeyKind::rsa_2048, soon());
  EXPECT_EQ(failure_of([&] { (void)token->oaep_encrypt(key, OaepHash::sha256, {}, soon()); }),
            Failure::unsupported);
  EXPECT_EQ(
      failure_of([&] { (void)token->oaep_decrypt(key, OaepHash::sha256, Bytes(256, 1), soon()); }),
      Failure::unsupported);
  EXPECT_EQ(token->oaep_encrypt(key, OaepHash::sha1, {}, soon()).size(), 256U);
}

TEST(Oaep, IsLeftToATokenThatLacksRawRsa) {
  SoftHsmToken softhsm;
  softhsm.proxy.hide_mechanism(CKM_RSA_X_509);
  const std::unique_ptr<Token> token = softhsm.open();
  const MaterialRef key = token->generate_wrapped(KeyKind::rsa_2048, soon());
  EXPECT_EQ(failure_of([&] { (void)token->oaep_encrypt(key, OaepHash::sha256, {}, soon()); }),
            Failure::unsupported);
  EXPECT_EQ(token->oaep_encrypt(key, OaepHash::sha1, {}, soon()).size(), 256U);
}

}  // namespace
}  // namespace pkcs11
