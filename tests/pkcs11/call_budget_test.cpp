#include <gtest/gtest.h>

#include "tests/pkcs11/softhsm_token.h"

// What an operation costs the token in calls, once its key is known.
namespace pkcs11 {
namespace {

class CallBudget : public testing::Test {
 protected:
  SoftHsmToken softhsm_;
  std::unique_ptr<Token> token_ = softhsm_.open();
  WrappedMaterial wrapped_ = token_->generate_wrapped(KeyKind::aes_256, soon());

  std::uint64_t calls(std::string_view function) { return softhsm_.proxy.count(function).calls; }
  /// Calls since zero_counters() that are none of those for an operation.
  std::uint64_t searches_and_queries() {
    std::uint64_t all = 0;
    for (const char* function :
         {"C_FindObjectsInit", "C_FindObjects", "C_GetAttributeValue", "C_GetTokenInfo",
          "C_GetSessionInfo", "C_OpenSession", "C_CloseSession", "C_Login", "C_UnwrapKey"}) {
      all += calls(function);
    }
    return all;
  }
};

TEST_F(CallBudget, EncryptIsOneRandomOneInitOneEncrypt) {
  (void)token_->gcm_encrypt(wrapped_, Bytes(32), {}, soon());
  softhsm_.proxy.zero_counters();
  (void)token_->gcm_encrypt(wrapped_, Bytes(32), {}, soon());
  EXPECT_EQ(calls("C_GenerateRandom"), 1U);
  EXPECT_EQ(calls("C_EncryptInit"), 1U);
  EXPECT_EQ(calls("C_Encrypt"), 1U);
  EXPECT_EQ(searches_and_queries(), 0U);
}

TEST_F(CallBudget, GenerateSealedIsOneRandomOneInitOneEncrypt) {
  const ObjectId id{7};
  token_->generate_object(KeyKind::aes_256, id, "key", soon());
  for (const MaterialRef& key : {MaterialRef(wrapped_), MaterialRef(ObjectMaterial{{}, id})}) {
    softhsm_.proxy.zero_counters();
    (void)token_->generate_sealed(key, 32, {}, soon());
    EXPECT_EQ(calls("C_GenerateRandom"), 1U);
    EXPECT_EQ(calls("C_EncryptInit"), 1U);
    EXPECT_EQ(calls("C_Encrypt"), 1U);
    EXPECT_EQ(searches_and_queries(), 0U);
  }
}

TEST_F(CallBudget, DecryptIsOneInitOneDecrypt) {
  const GcmCiphertext sealed = token_->gcm_encrypt(wrapped_, Bytes(32), {}, soon());
  softhsm_.proxy.zero_counters();
  EXPECT_TRUE(token_->gcm_decrypt(wrapped_, sealed.iv, sealed.data, {}, soon()).has_value());
  EXPECT_EQ(calls("C_DecryptInit"), 1U);
  EXPECT_EQ(calls("C_Decrypt"), 1U);
  EXPECT_EQ(calls("C_GenerateRandom"), 0U);
  EXPECT_EQ(searches_and_queries(), 0U);
}

TEST_F(CallBudget, MaterialIsUnwrappedOnceAndObjectsAreFoundAtLogin) {
  const ObjectId id{7};
  token_->generate_object(KeyKind::aes_256, id, "key", soon());
  token_.reset();
  softhsm_.proxy.zero_counters();
  token_ = softhsm_.open();
  EXPECT_EQ(calls("C_Login"), 1U);
  EXPECT_EQ(calls("C_FindObjectsInit"), 2U);  // secret keys, private keys
  softhsm_.proxy.zero_counters();
  for (int i = 0; i < 5; ++i) {
    (void)token_->gcm_encrypt(wrapped_, {}, {}, soon());
    (void)token_->gcm_encrypt(ObjectMaterial{KeyKind::aes_256, id}, {}, {}, soon());
  }
  EXPECT_EQ(calls("C_UnwrapKey"), 1U);
  EXPECT_EQ(calls("C_FindObjectsInit"), 0U);
  EXPECT_EQ(calls("C_Login"), 0U);
}

TEST_F(CallBudget, NoKeyIsEverAskedForItsValue) { EXPECT_EQ(softhsm_.proxy.tripped(), 0U); }

TEST_F(CallBudget, EvictedMaterialIsDestroyedInTheToken) {
  token_.reset();
  TokenOptions options = softhsm_.options();
  options.max_cached_materials = 2;
  token_ = softhsm_.module()->open(std::move(options), soon());
  std::vector<WrappedMaterial> materials;
  for (int i = 0; i < 5; ++i) {
    materials.push_back(token_->generate_wrapped(KeyKind::aes_256, soon()));
  }
  softhsm_.proxy.zero_counters();
  for (int round = 0; round < 2; ++round) {
    for (const WrappedMaterial& material : materials) {
      EXPECT_EQ(token_->gcm_encrypt(material, {}, {}, soon()).data.size(), 16U);
    }
  }
  EXPECT_EQ(calls("C_UnwrapKey"), 10U);
  // One is evicted by each unwrapping, and destroyed at the next.
  EXPECT_EQ(calls("C_DestroyObject"), 10U);
}

TEST_F(CallBudget, ASignatureOfADigestIsOneInitOneSign) {
  for (const KeyKind kind : {KeyKind::ec_p256, KeyKind::rsa_2048}) {
    const SignatureScheme scheme =
        kind == KeyKind::rsa_2048 ? SignatureScheme::rsa_pss_sha256 : SignatureScheme::ecdsa_sha256;
    ObjectId id{};
    token_->random(id, soon());
    const MaterialRef object = token_->generate_object(kind, id, "key", soon());
    const MaterialRef wrapped = token_->generate_wrapped(kind, soon());
    for (const MaterialRef& key : {wrapped, object}) {
      const Bytes digest(32, 7);
      softhsm_.proxy.zero_counters();
      const Bytes signature = token_->sign(key, scheme, MessageForm::digest, digest, soon());
      EXPECT_EQ(calls("C_SignInit"), 1U);
      EXPECT_EQ(calls("C_Sign"), 1U);
      EXPECT_EQ(searches_and_queries(), 0U);
      (void)token_->verify(key, scheme, MessageForm::digest, digest, signature, soon());
      softhsm_.proxy.zero_counters();
      EXPECT_TRUE(token_->verify(key, scheme, MessageForm::digest, digest, signature, soon()));
      EXPECT_EQ(calls("C_VerifyInit"), 1U);
      EXPECT_EQ(calls("C_Verify"), 1U);
      EXPECT_EQ(searches_and_queries(), 0U);
    }
  }
}

TEST_F(CallBudget, ASignatureOfAMessageHashesItInTheToken) {
  const MaterialRef rsa = token_->generate_wrapped(KeyKind::rsa_2048, soon());
  const MaterialRef ec = token_->generate_wrapped(KeyKind::ec_p256, soon());
  const auto sign = [&](const MaterialRef& key, SignatureScheme scheme) {
    (void)token_->sign(key, scheme, MessageForm::message, Bytes(100), soon());
    softhsm_.proxy.zero_counters();
    (void)token_->sign(key, scheme, MessageForm::message, Bytes(100), soon());
    EXPECT_EQ(calls("C_SignInit"), 1U);
    EXPECT_EQ(calls("C_Sign"), 1U);
    EXPECT_EQ(searches_and_queries(), 0U);
  };
  sign(rsa, SignatureScheme::rsa_pss_sha256);
  EXPECT_EQ(calls("C_Digest"), 0U);
  sign(ec, SignatureScheme::ecdsa_sha256);  // SoftHSM 2.6.1 has no CKM_ECDSA_SHA256
  EXPECT_EQ(calls("C_Digest"), 1U);
}

TEST_F(CallBudget, AMacIsOneInitOneSign) {
  const MaterialRef key = token_->generate_wrapped(KeyKind::hmac_256, soon());
  const Bytes mac = token_->mac(key, Bytes(100), soon());
  softhsm_.proxy.zero_counters();
  EXPECT_TRUE(token_->verify_mac(key, Bytes(100), mac, soon()));
  EXPECT_EQ(calls("C_SignInit"), 1U);
  EXPECT_EQ(calls("C_Sign"), 1U);
  EXPECT_EQ(searches_and_queries(), 0U);
}

TEST_F(CallBudget, AnRsaDecryptionIsOneInitOneDecrypt) {
  const MaterialRef key = token_->generate_wrapped(KeyKind::rsa_2048, soon());
  for (const OaepHash hash : {OaepHash::sha1, OaepHash::sha256}) {
    const Bytes sealed = token_->oaep_encrypt(key, hash, Bytes(32), soon());
    softhsm_.proxy.zero_counters();
    EXPECT_TRUE(token_->oaep_decrypt(key, hash, sealed, soon()).has_value());
    EXPECT_EQ(calls("C_DecryptInit"), 1U);
    EXPECT_EQ(calls("C_Decrypt"), 1U);
    EXPECT_EQ(searches_and_queries(), 0U);
  }
}

TEST_F(CallBudget, NothingIsFoundOutTwice) {
  for (const KeyKind kind : {KeyKind::rsa_2048, KeyKind::rsa_4096, KeyKind::ml_dsa_44}) {
    (void)token_->holding(kind, soon());
  }
  (void)token_->signs(SignatureScheme::rsa_pss_sha512, MessageForm::message, soon());
  token_.reset();
  token_ = softhsm_.open();
  softhsm_.proxy.zero_counters();
  EXPECT_EQ(token_->holding(KeyKind::rsa_3072, soon()), Holding::wrapped);
  EXPECT_EQ(token_->holding(KeyKind::ml_dsa_44, soon()), Holding::none);
  EXPECT_TRUE(token_->signs(SignatureScheme::rsa_pkcs1_sha256, MessageForm::digest, soon()));
  EXPECT_EQ(calls("C_GenerateKeyPair"), 0U);
}

TEST_F(CallBudget, NoValueOfANewKeyIsRead) {
  (void)token_->generate_wrapped(KeyKind::ec_p256, soon());
  (void)token_->generate_wrapped(KeyKind::hmac_224, soon());
  (void)token_->generate_wrapped(KeyKind::rsa_2048, soon());
  EXPECT_EQ(softhsm_.proxy.tripped(), 0U);
}

}  // namespace
}  // namespace pkcs11
