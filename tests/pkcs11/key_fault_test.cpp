#include <gtest/gtest.h>

#include <functional>

#include "pkcs11/ck_rv.h"
#include "tests/pkcs11/softhsm_token.h"

// Faults during what is done with keys other than AES keys.
namespace pkcs11 {
namespace {

using pkcs11_proxy::Effect;
using pkcs11_proxy::kForever;

const Bytes kDigest(32, 7);

/// One thing that is done, the calls it is made of, and whether it came out right.
struct Work {
  std::string name;
  std::string begin;  // where the key's handle is given
  std::string end;
  std::function<bool(Deadline)> right;
};

class KeyFaults : public testing::Test {
 protected:
  KeyFaults() {
    for (const bool wrapped : {true, false}) {
      const MaterialRef ec = make(KeyKind::ec_p256, wrapped);
      const MaterialRef rsa = make(KeyKind::rsa_2048, wrapped);
      const MaterialRef hmac = make(KeyKind::hmac_256, wrapped);
      const std::string how = wrapped ? " wrapped" : " object";
      const Bytes signature = sign(ec, soon());
      const Bytes mac = token_->mac(hmac, kDigest, soon());
      const Bytes sha1 = token_->oaep_encrypt(rsa, OaepHash::sha1, kDigest, soon());
      const Bytes sha256 = token_->oaep_encrypt(rsa, OaepHash::sha256, kDigest, soon());
      works_.push_back({"sign" + how, "C_SignInit", "C_Sign", [this, ec](Deadline deadline) {
                          const Bytes made = sign(ec, deadline);
                          return verify(ec, made, soon());
                        }});
      works_.push_back(
          {"verify" + how, "C_VerifyInit", "C_Verify",
           [this, ec, signature](Deadline deadline) { return verify(ec, signature, deadline); }});
      works_.push_back({"mac" + how, "C_SignInit", "C_Sign", [this, hmac, mac](Deadline deadline) {
                          return token_->verify_mac(hmac, kDigest, mac, deadline);
                        }});
      for (const auto& [hash, sealed] :
           {std::pair(OaepHash::sha1, sha1), std::pair(OaepHash::sha256, sha256)}) {
        works_.push_back({"oaep_decrypt" + how, "C_DecryptInit", "C_Decrypt",
                          [this, rsa, hash = hash, sealed = sealed](Deadline deadline) {
                            const auto opened = token_->oaep_decrypt(rsa, hash, sealed, deadline);
                            return opened && opened->equals(kDigest);
                          }});
      }
    }
    for (const Work& work : works_) EXPECT_TRUE(work.right(soon())) << work.name;
  }
  void TearDown() override {
    if (HasFailure()) ADD_FAILURE() << softhsm_.log_text();
  }

  MaterialRef make(KeyKind kind, bool wrapped) {
    if (wrapped) return token_->generate_wrapped(kind, soon());
    ObjectId id{};
    token_->random(id, soon());
    return token_->generate_object(kind, id, "key", soon());
  }
  Bytes sign(const MaterialRef& key, Deadline deadline) {
    return token_->sign(key, SignatureScheme::ecdsa_sha256, MessageForm::digest, kDigest, deadline);
  }
  bool verify(const MaterialRef& key, const Bytes& signature, Deadline deadline) {
    return token_->verify(key, SignatureScheme::ecdsa_sha256, MessageForm::digest, kDigest,
                          signature, deadline);
  }

  SoftHsmToken softhsm_;
  std::unique_ptr<Token> token_ = softhsm_.open();
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  std::vector<Work> works_;
};

TEST_F(KeyFaults, OneFaultOfACallIsSurvived) {
  for (const Work& work : works_) {
    for (const std::string& function : {work.begin, work.end}) {
      for (const CK_RV rv : {CKR_SESSION_HANDLE_INVALID, CKR_OPERATION_ACTIVE,
                             CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID, CKR_GENERAL_ERROR,
                             CKR_DEVICE_ERROR, CKR_USER_NOT_LOGGED_IN, CKR_KEY_TYPE_INCONSISTENT}) {
        proxy_.fail(function, rv);
        EXPECT_TRUE(work.right(soon())) << work.name << " " << function << describe(rv).name;
        proxy_.clear_failures();
      }
    }
  }
}

TEST_F(KeyFaults, AFaultForGoodIsNoAnswer) {
  for (const Work& work : works_) {
    for (const CK_RV rv : {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR}) {
      proxy_.fail(work.end, rv, 0, kForever);
      EXPECT_EQ(failure_in_time([&](Deadline d) { (void)work.right(d); }), Failure::device_error)
          << work.name << " " << describe(rv).name;
      proxy_.clear_failures();
      EXPECT_TRUE(work.right(soon())) << work.name;
    }
  }
}

TEST_F(KeyFaults, ALostLoginIsMadeGoodInMidCall) {
  for (const Work& work : works_) {
    proxy_.logout();
    EXPECT_TRUE(work.right(soon())) << work.name;
    proxy_.fail(work.end, CKR_GENERAL_ERROR);
    proxy_.logout();
    EXPECT_TRUE(work.right(soon())) << work.name;
    proxy_.forget_sessions();
    EXPECT_TRUE(work.right(soon())) << work.name;
  }
}

TEST_F(KeyFaults, ABadCiphertextCostsNoLogin) {
  const MaterialRef rsa = make(KeyKind::rsa_2048, true);
  for (const OaepHash hash : {OaepHash::sha1, OaepHash::sha256}) {
    Bytes sealed = token_->oaep_encrypt(rsa, hash, kDigest, soon());
    sealed[100] ^= 1;
    const std::uint64_t epoch = token_->epoch();
    EXPECT_FALSE(token_->oaep_decrypt(rsa, hash, sealed, soon()).has_value());
    EXPECT_EQ(token_->epoch(), epoch);
  }
}

TEST_F(KeyFaults, AFailedCreationOfAPairLeavesNothingBehind) {
  const std::size_t before = token_->objects(soon()).size();
  for (const Effect effect : {Effect::none, Effect::done}) {
    for (const CK_RV rv : {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_TEMPLATE_INCONSISTENT}) {
      proxy_.fail("C_GenerateKeyPair", rv, 0, 1, effect);
      EXPECT_THROW((void)token_->generate_object(KeyKind::ec_p256, ObjectId{9}, "new", soon()),
                   Error);
      EXPECT_FALSE(token_->has_object(ObjectId{9}, soon()));
      proxy_.clear_failures();
    }
    proxy_.fail("C_GenerateKeyPair", CKR_SESSION_HANDLE_INVALID, 0, 1, effect);
    const ObjectMaterial key =
        token_->generate_object(KeyKind::ec_p256, ObjectId{9}, "new", soon());
    EXPECT_TRUE(verify(key, sign(key, soon()), soon()));
    EXPECT_EQ(token_->objects(soon()).size(), before + 1);
    // Half of it goes, and then the token fails.
    proxy_.fail("C_DestroyObject", CKR_DEVICE_ERROR, 1);
    EXPECT_TRUE(token_->destroy_object(ObjectId{9}, soon()));
    EXPECT_EQ(token_->objects(soon()).size(), before);
    proxy_.clear_failures();
  }
}

TEST_F(KeyFaults, WrappingOfAPairSurvivesFaultsOfEachOfItsCalls) {
  for (const char* function :
       {"C_GenerateKeyPair", "C_WrapKey", "C_UnwrapKey", "C_CreateObject", "C_GetAttributeValue",
        "C_SignInit", "C_Sign", "C_VerifyInit", "C_Verify", "C_GenerateRandom"}) {
    for (const CK_RV rv : {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_ERROR, CKR_USER_NOT_LOGGED_IN,
                           CKR_GENERAL_ERROR}) {
      for (const Effect effect : {Effect::none, Effect::done}) {
        proxy_.fail(function, rv, 0, 1, effect);
        const WrappedMaterial key = token_->generate_wrapped(KeyKind::ec_p256, soon());
        EXPECT_TRUE(verify(key, sign(key, soon()), soon())) << function << describe(rv).name;
        proxy_.clear_failures();
      }
    }
  }
}

TEST_F(KeyFaults, WhatIsFoundOutLaterIsNotFoundOutFromAFault) {
  for (const CK_RV rv : {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_SESSION_HANDLE_INVALID,
                         CKR_USER_NOT_LOGGED_IN, CKR_DEVICE_MEMORY}) {
    token_.reset();
    token_ = softhsm_.open();
    proxy_.fail("C_GenerateKeyPair", rv);
    proxy_.fail("C_Sign", rv);
    try {
      EXPECT_EQ(token_->holding(KeyKind::ec_p384, soon()), Holding::wrapped) << describe(rv).name;
    } catch (const Error&) {
      EXPECT_EQ(rv, CKR_DEVICE_MEMORY);
    }
    proxy_.clear_failures();
    EXPECT_EQ(token_->holding(KeyKind::ec_p384, soon()), Holding::wrapped);
    proxy_.fail("C_GenerateKeyPair", rv);
    proxy_.fail("C_Sign", rv);
    try {
      EXPECT_TRUE(token_->signs(SignatureScheme::ecdsa_sha384, MessageForm::message, soon()));
    } catch (const Error&) {
      EXPECT_EQ(rv, CKR_DEVICE_MEMORY);
    }
    proxy_.clear_failures();
    EXPECT_TRUE(token_->signs(SignatureScheme::ecdsa_sha384, MessageForm::message, soon()));
  }
}

}  // namespace
}  // namespace pkcs11
