#include <gtest/gtest.h>

#include <thread>

#include "pkcs11/ck_rv.h"
#include "pkcs11/loaded_module.h"
#include "pkcs11/session.h"
#include "pkcs11/templates.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/eventually.h"

namespace pkcs11 {
namespace {

using pkcs11_proxy::Effect;
using pkcs11_proxy::kForever;
using std::chrono::milliseconds;

class Faults : public testing::Test {
 protected:
  SoftHsmToken softhsm_;
  std::unique_ptr<Token> token_ = softhsm_.open();
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  WrappedMaterial wrapped_ = token_->generate_wrapped(KeyKind::aes_256, soon());
  ObjectMaterial object_{KeyKind::aes_256, ObjectId{1, 2, 3}};

  void SetUp() override {
    token_->generate_object(KeyKind::aes_256, object_.id, "key", soon());
    works();
  }
  void TearDown() override {
    if (HasFailure()) ADD_FAILURE() << softhsm_.log_text();
  }

  void works() {
    for (const MaterialRef& key : {MaterialRef(wrapped_), MaterialRef(object_)}) {
      const SealedRandom sealed = token_->generate_sealed(key, 32, {}, soon());
      const auto opened =
          token_->gcm_decrypt(key, sealed.ciphertext.iv, sealed.ciphertext.data, {}, soon());
      ASSERT_TRUE(opened.has_value());
      ASSERT_TRUE(opened->equals(sealed.plaintext.view()));
    }
  }
};

/// Every row of the table, on each call of the hot path: once, the operation goes through unless
/// the answer is final; for good, it fails with the row's failure; afterwards all is as before.
class FaultRow : public Faults, public testing::WithParamInterface<CkRv> {};

TEST_P(FaultRow, OnceIsSurvivedUnlessTheAnswerIsFinal) {
  const CkRv row = GetParam();
  for (const char* function : {"C_EncryptInit", "C_Encrypt", "C_GenerateRandom"}) {
    proxy_.fail(function, row.rv);
    bool failed = false;
    try {
      (void)token_->gcm_encrypt(object_, Bytes(8), {}, soon());
    } catch (const Error& error) {
      failed = true;
      EXPECT_EQ(error.failure(), row.failure);
      EXPECT_EQ(error.rv(), row.rv);
    }
    EXPECT_EQ(failed, row.severity == Severity::caller) << function << " " << row.name;
    proxy_.clear_failures();
    works();
  }
}

TEST_P(FaultRow, ForGoodIsReportedInTimeAndForgottenOnceOver) {
  const CkRv row = GetParam();
  proxy_.fail("C_Encrypt", row.rv, 0, kForever);
  EXPECT_EQ(
      failure_in_time([&](Deadline d) { (void)token_->gcm_encrypt(wrapped_, Bytes(8), {}, d); }),
      row.failure)
      << row.name;
  proxy_.clear_failures();
  works();
}

INSTANTIATE_TEST_SUITE_P(Table, FaultRow,
                         testing::ValuesIn(ck_rv_table().begin(), ck_rv_table().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(Faults, ForgottenSessionsAreReplaced) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t epoch = token_->epoch();
    proxy_.forget_sessions();
    works();
    EXPECT_GT(token_->epoch(), epoch);
  }
}

TEST_F(Faults, LogoutBySomebodyElseIsUndone) {
  const std::uint64_t epoch = token_->epoch();
  proxy_.zero_counters();
  proxy_.logout();
  works();
  EXPECT_EQ(token_->epoch(), epoch + 1);
  EXPECT_EQ(proxy_.count("C_Login").calls, 1U);
}

TEST_F(Faults, SurvivesASpuriousAnswerWithoutAnotherLogin) {
  proxy_.zero_counters();
  for (const CK_RV rv : {CKR_SESSION_HANDLE_INVALID, CKR_OPERATION_ACTIVE, CKR_KEY_HANDLE_INVALID,
                         CKR_GENERAL_ERROR, CKR_DEVICE_ERROR}) {
    proxy_.fail("C_EncryptInit", rv);
    works();
  }
  EXPECT_EQ(proxy_.count("C_Login").calls, 0U);
}

TEST_F(Faults, HandlesThatWentWithALoginDoNotCountInTheNext) {
  proxy_.logout();
  proxy_.fail("C_EncryptInit", CKR_KEY_HANDLE_INVALID);
  // Now the login is found to be lost. The next call is for the canary of the new one; then come as
  // many as an operation survives.
  proxy_.fail("C_EncryptInit", CKR_KEY_HANDLE_INVALID, 2, 6);
  EXPECT_EQ(token_->gcm_encrypt(object_, {}, {}, soon()).data.size(), 16U);
  EXPECT_EQ(token_->epoch(), 2U);
}

TEST_F(Faults, ARecoveryThatIsGivenUpTellsWhy) {
  proxy_.absent_until_restored();
  proxy_.fail("C_GetSlotList", CKR_CRYPTOKI_NOT_INITIALIZED, 0, kForever);
  EXPECT_EQ(failure_in_time([&](Deadline d) { (void)token_->gcm_encrypt(object_, {}, {}, d); }),
            Failure::device_error);
}

TEST_F(Faults, WaitsForATokenThatIsAway) {
  proxy_.absent_for(milliseconds(300));
  works();
  EXPECT_EQ(token_->epoch(), 2U);
}

TEST_F(Faults, AnAbsentTokenIsReportedAtTheDeadlineAndFoundWhenItIsBack) {
  proxy_.absent_until_restored();
  const Failure failure =
      failure_in_time([&](Deadline d) { (void)token_->gcm_encrypt(wrapped_, {}, {}, d); });
  EXPECT_TRUE(failure == Failure::token_not_found || failure == Failure::token_absent)
      << name(failure);
  EXPECT_THROW(token_->check_health(soon()), Error);
  proxy_.restore();
  works();
  token_->check_health(soon());
}

TEST_F(Faults, WrongAnswersToADecryptionAreNeverTakenForABadCiphertext) {
  for (const MaterialRef& key : {MaterialRef(wrapped_), MaterialRef(object_)}) {
    const GcmCiphertext sealed = token_->gcm_encrypt(key, Bytes(8, 9), {}, soon());
    for (unsigned long times = 1; times <= 3; ++times) {
      proxy_.fail("C_Decrypt", CKR_GENERAL_ERROR, 0, times);
      const auto opened = token_->gcm_decrypt(key, sealed.iv, sealed.data, {}, soon());
      ASSERT_TRUE(opened.has_value()) << times;
      EXPECT_TRUE(opened->equals(Bytes(8, 9)));
      proxy_.clear_failures();
    }
    proxy_.fail("C_Decrypt", CKR_GENERAL_ERROR, 0, kForever);
    EXPECT_EQ(failure_in_time([&](Deadline d) {
                (void)token_->gcm_decrypt(key, sealed.iv, sealed.data, {}, d);
              }),
              Failure::device_error);
    proxy_.clear_failures();
    works();
    Bytes bad = sealed.data;
    bad[0] ^= 1;
    proxy_.zero_counters();
    EXPECT_FALSE(token_->gcm_decrypt(key, sealed.iv, bad, {}, soon()).has_value());
    EXPECT_EQ(proxy_.count("C_Login").calls, 0U);
  }
}

TEST_F(Faults, ALoginLostInMidCallIsNotABadCiphertext) {
  const GcmCiphertext sealed = token_->gcm_encrypt(object_, Bytes(8), {}, soon());
  proxy_.fail("C_Decrypt", CKR_GENERAL_ERROR);
  proxy_.logout();
  EXPECT_TRUE(token_->gcm_decrypt(object_, sealed.iv, sealed.data, {}, soon()).has_value());
}

TEST_F(Faults, ABadCiphertextIsOneAlsoWhenTheCanaryIsGone) {
  const GcmCiphertext sealed = token_->gcm_encrypt(object_, Bytes(8), {}, soon());
  Bytes bad = sealed.data;
  bad[0] ^= 1;
  {
    const auto module = std::static_pointer_cast<LoadedModule>(softhsm_.module());
    Session session(module->functions(), module->present_tokens().at(0).slot);
    for (const CK_OBJECT_HANDLE object : session.find(templates::objects(CKO_SECRET_KEY))) {
      if (session.inspect(object)->label == kCanaryLabel) session.destroy(object);
    }
  }
  EXPECT_FALSE(token_->gcm_decrypt(object_, sealed.iv, bad, {}, soon()).has_value());
  EXPECT_TRUE(token_->gcm_decrypt(object_, sealed.iv, sealed.data, {}, soon()).has_value());
}

TEST_F(Faults, ACorruptBlobIsNotADeviceFault) {
  WrappedMaterial bad = token_->generate_wrapped(KeyKind::aes_256, soon());
  bad.blob[0] ^= 1;
  proxy_.zero_counters();
  EXPECT_EQ(failure_of([&] { (void)token_->gcm_encrypt(bad, {}, {}, soon()); }),
            Failure::material_rejected);
  EXPECT_EQ(proxy_.count("C_Login").calls, 0U);
}

TEST_F(Faults, ADeviceFaultIsNotACorruptBlob) {
  const WrappedMaterial good = token_->generate_wrapped(KeyKind::aes_256, soon());
  token_.reset();
  token_ = softhsm_.open();
  proxy_.fail("C_UnwrapKey", CKR_GENERAL_ERROR);
  EXPECT_EQ(token_->gcm_encrypt(good, {}, {}, soon()).data.size(), 16U);
  token_.reset();
  token_ = softhsm_.open();
  proxy_.fail("C_UnwrapKey", CKR_DEVICE_ERROR);
  EXPECT_EQ(token_->gcm_encrypt(good, {}, {}, soon()).data.size(), 16U);
}

TEST_F(Faults, AFailedCreationLeavesNothingBehind) {
  for (const Effect effect : {Effect::none, Effect::done}) {
    for (const CK_RV rv : {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_TEMPLATE_INCONSISTENT}) {
      proxy_.fail("C_GenerateKey", rv, 0, 1, effect);
      EXPECT_THROW(token_->generate_object(KeyKind::aes_256, ObjectId{9}, "new", soon()), Error);
      EXPECT_FALSE(token_->has_object(ObjectId{9}, soon()));
    }
    proxy_.fail("C_GenerateKey", CKR_SESSION_HANDLE_INVALID, 0, 1, effect);
    token_->generate_object(KeyKind::aes_256, ObjectId{9}, "new", soon());
    EXPECT_EQ(token_->objects(soon()).size(), 2U);
    EXPECT_TRUE(token_->destroy_object(ObjectId{9}, soon()));
  }
}

TEST_F(Faults, ADestructionThatWasDoneUnderAnErrorCounts) {
  for (const CK_RV rv : {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_SESSION_HANDLE_INVALID}) {
    token_->generate_object(KeyKind::aes_256, ObjectId{9}, "new", soon());
    proxy_.fail("C_DestroyObject", rv, 0, 1, Effect::done);
    EXPECT_TRUE(token_->destroy_object(ObjectId{9}, soon())) << describe(rv).name;
    EXPECT_FALSE(token_->has_object(ObjectId{9}, soon()));
  }
}

TEST_F(Faults, NothingFoundOnALostTokenIsNotAMissingKey) {
  proxy_.logout();
  EXPECT_TRUE(token_->has_object(object_.id, soon()));
  proxy_.absent_until_restored();
  EXPECT_NE(failure_of([&] { (void)token_->has_object(object_.id, within(milliseconds(200))); }),
            Failure::key_not_found);
}

TEST_F(Faults, WrappingSurvivesFaultsOfEachOfItsCalls) {
  for (const char* function : {"C_GenerateKey", "C_WrapKey", "C_UnwrapKey", "C_EncryptInit",
                               "C_Encrypt", "C_DecryptInit", "C_Decrypt", "C_GenerateRandom"}) {
    for (const CK_RV rv : {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_ERROR, CKR_KEY_HANDLE_INVALID,
                           CKR_USER_NOT_LOGGED_IN, CKR_GENERAL_ERROR}) {
      for (const Effect effect : {Effect::none, Effect::done}) {
        proxy_.fail(function, rv, 0, 1, effect);
        const WrappedMaterial material = token_->generate_wrapped(KeyKind::aes_256, soon());
        EXPECT_EQ(token_->gcm_encrypt(material, {}, {}, soon()).data.size(), 16U)
            << function << describe(rv).name;
        proxy_.clear_failures();
      }
    }
  }
}

TEST_F(Faults, MakesDoWithTheSessionsThatThereAre) {
  token_.reset();
  proxy_.max_sessions(3);
  token_ = softhsm_.open();
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        (void)token_->gcm_encrypt(wrapped_, {}, {}, soon());
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 160);
  EXPECT_LE(proxy_.open_sessions(), 3U);
  EXPECT_EQ(token_->epoch(), 1U);
}

TEST_F(Faults, OthersGetTheirDeadlineWhileACallHangs) {
  for (const char* function : {"C_Encrypt", "C_UnwrapKey", "C_GenerateKey"}) {
    const WrappedMaterial cold = token_->generate_wrapped(KeyKind::aes_256, soon());
    const WrappedMaterial cold2 = token_->generate_wrapped(KeyKind::aes_256, soon());
    token_.reset();
    token_ = softhsm_.open();
    proxy_.hang(function);
    std::thread hung([&] {
      if (std::string_view(function) == "C_GenerateKey") {
        token_->generate_object(KeyKind::aes_256, ObjectId{9}, "new", soon());
        EXPECT_TRUE(token_->destroy_object(ObjectId{9}, soon()));
      } else {
        (void)token_->gcm_encrypt(cold, {}, {}, soon());
      }
    });
    ASSERT_TRUE(proxy_.wait_until_hanging(1, std::chrono::seconds(10)));
    // What needs nothing of the hung call goes on; what needs it ends at its deadline.
    (void)token_->gcm_encrypt(object_, {}, {}, soon());
    if (std::string_view(function) == "C_UnwrapKey") {
      EXPECT_EQ(
          failure_of([&] { (void)token_->gcm_encrypt(cold2, {}, {}, within(milliseconds(100))); }),
          Failure::deadline_exceeded);
    }
    if (std::string_view(function) == "C_GenerateKey") {
      EXPECT_EQ(failure_of([&] { (void)token_->has_object({}, within(milliseconds(100))); }),
                Failure::deadline_exceeded);
    }
    // A recovery waits for the hung call, no longer than its deadline, and others neither.
    proxy_.logout();
    EXPECT_EQ(
        failure_of([&] { (void)token_->gcm_encrypt(object_, {}, {}, within(milliseconds(100))); }),
        Failure::deadline_exceeded);
    proxy_.release();
    hung.join();
    works();
  }
}

TEST_F(Faults, StartsTheModuleAgainWhenItWasFinalised) {
  proxy_.fail("C_EncryptInit", CKR_CRYPTOKI_NOT_INITIALIZED, 0, 3);
  works();
  works();
}

TEST_F(Faults, LooksForATokenThatStaysAwayWithAModuleStartedAgain) {
  softhsm_.softhsm.add_token("other");
  TokenOptions options = softhsm_.options();
  options.selector.label = "other";
  const auto other = softhsm_.module()->open(std::move(options), soon());
  proxy_.zero_counters();
  proxy_.absent_until_restored("test");
  std::jthread back([&] {
    EXPECT_TRUE(kms::test::eventually([&] { return proxy_.count("C_Finalize").calls != 0; }));
    proxy_.restore();
  });
  works();
  back.join();
  const std::uint64_t starts = starts_of(proxy_);
  EXPECT_GE(starts, 1U);
  // The token that was well all the time has been logged in to again.
  EXPECT_EQ(other->epoch(), 1 + starts);
  other->check_health(soon());
}

TEST_F(Faults, OneTokenAwayDoesNotDisturbAnother) {
  softhsm_.softhsm.add_token("other");
  TokenOptions options = softhsm_.options();
  options.selector.label = "other";
  const auto other = softhsm_.module()->open(std::move(options), soon());
  proxy_.absent_until_restored("test");
  EXPECT_THROW((void)token_->gcm_encrypt(wrapped_, {}, {}, within(milliseconds(200))), Error);
  Bytes out(8);
  other->random(out, soon());
  EXPECT_EQ(other->epoch(), 1U);
  proxy_.restore();
  works();
}

TEST(Probing, DoesNotTakeAFaultForAMissingCapability) {
  for (const char* function : {"C_WrapKey", "C_UnwrapKey", "C_Encrypt", "C_Decrypt",
                               "C_GenerateKey", "C_GenerateRandom"}) {
    for (const CK_RV rv : {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_VENDOR_DEFINED + 1}) {
      SoftHsmToken softhsm;
      softhsm.proxy.fail(function, rv, 0, 4);
      auto token = softhsm.open();
      const Capabilities can = token->capabilities();
      EXPECT_TRUE(can.aes_gcm && can.wrap_kwp && can.session_objects && can.random) << function;
      EXPECT_EQ(can.gcm_max, 65536U);
    }
  }
}

TEST(Probing, DoesNotTakeWantOfMemoryForAMissingCapability) {
  for (const CK_RV rv : {CKR_HOST_MEMORY, CKR_DEVICE_MEMORY, CKR_TOKEN_RESOURCE_EXCEEDED}) {
    SoftHsmToken softhsm;
    softhsm.proxy.fail("C_WrapKey", rv);
    auto token = softhsm.open();
    EXPECT_TRUE(token->capabilities().wrap_kwp) << describe(rv).name;
  }
}

TEST(Probing, TakesWantOfMemoryForALongMessageForItsLimit) {
  SoftHsmToken softhsm;
  // After the one of 16 bytes.
  softhsm.proxy.fail("C_Encrypt", CKR_DEVICE_MEMORY, 1);
  auto token = softhsm.open();
  EXPECT_EQ(token->capabilities().gcm_max, 16384U);
  token.reset();
  token = softhsm.open();
  EXPECT_EQ(token->capabilities().gcm_max, 65536U);
}

TEST(Probing, DoesNotRememberARefusalInDoubt) {
  for (const CK_RV rv : {CKR_GENERAL_ERROR, CKR_MECHANISM_INVALID}) {
    SoftHsmToken softhsm;
    softhsm.proxy.fail("C_WrapKey", rv, 0, kForever);
    auto token = softhsm.open();
    EXPECT_FALSE(token->capabilities().wrap_kwp);
    token.reset();
    softhsm.proxy.clear_failures();
    token = softhsm.open();
    EXPECT_TRUE(token->capabilities().wrap_kwp);
    // That is for good.
    token.reset();
    softhsm.proxy.fail("C_WrapKey", rv, 0, kForever);
    token = softhsm.open();
    EXPECT_TRUE(token->capabilities().wrap_kwp);
  }
}

TEST(Probing, BelievesNoRefusalOfATokenThatIsNotWell) {
  SoftHsmToken softhsm;
  (void)softhsm.module();
  softhsm.proxy.fail("C_WrapKey", CKR_GENERAL_ERROR, 0, kForever);
  // Those of the probe, before and after the refusal, and of the openings that are tried again.
  softhsm.proxy.fail("C_GenerateKey", CKR_GENERAL_ERROR, 5, kForever);
  EXPECT_EQ(failure_in_time([&](Deadline d) { (void)softhsm.open(d); }), Failure::device_error);
}

TEST_F(Faults, AKeyInDoubtIsNotLeftInTheToken) {
  proxy_.zero_counters();
  proxy_.fail("C_EncryptInit", CKR_GENERAL_ERROR);
  (void)token_->gcm_encrypt(wrapped_, {}, {}, soon());
  // Another one was unwrapped, and this one destroyed before.
  EXPECT_EQ(proxy_.count("C_UnwrapKey").calls, 1U);
  EXPECT_EQ(proxy_.count("C_DestroyObject").calls, 1U);

  // The same where the doubt comes while the key is looked at for the first time.
  token_.reset();
  token_ = softhsm_.open();
  proxy_.zero_counters();
  proxy_.fail("C_GetAttributeValue", CKR_GENERAL_ERROR);
  (void)token_->gcm_encrypt(wrapped_, {}, {}, soon());
  EXPECT_EQ(proxy_.count("C_UnwrapKey").calls, 2U);
  EXPECT_EQ(proxy_.count("C_DestroyObject").calls, 1U);
}

TEST_F(Faults, AKeyIsNotLeftInTheTokenWhereTheFreshOneIsLostThatItIsComparedTo) {
  proxy_.zero_counters();
  proxy_.fail("C_EncryptInit", CKR_KEY_HANDLE_INVALID);
  (void)token_->generate_wrapped(KeyKind::aes_256, soon());
  EXPECT_EQ(proxy_.count("C_UnwrapKey").calls, 2U);
  // The first of the unwrapped ones and, as always, the second of the fresh ones.
  EXPECT_EQ(proxy_.count("C_DestroyObject").calls, 2U);
}

TEST(EvictedKeys, AreDestroyedThoughOneOfThemCannotBe) {
  SoftHsmToken softhsm;
  TokenOptions options = softhsm.options();
  options.max_cached_materials = 1;
  const auto token = softhsm.module()->open(std::move(options), soon());
  const WrappedMaterial pair = token->generate_wrapped(KeyKind::ec_p256, soon());
  const WrappedMaterial first = token->generate_wrapped(KeyKind::aes_256, soon());
  const WrappedMaterial second = token->generate_wrapped(KeyKind::aes_256, soon());
  const auto use = [&](const WrappedMaterial& key) {
    (void)token->gcm_encrypt(key, {}, {}, soon());
  };
  const auto destroyed = [&] {
    const pkcs11_proxy::Count count = softhsm.proxy.count("C_DestroyObject");
    return count.calls - count.errors;
  };
  use(first);
  (void)token->sign(pair, SignatureScheme::ecdsa_sha256, MessageForm::message, Bytes(3), soon());
  use(first);
  softhsm.proxy.zero_counters();
  // Both parts of the pair wait to be destroyed.
  softhsm.proxy.fail("C_DestroyObject", CKR_DEVICE_MEMORY);
  use(second);
  EXPECT_EQ(destroyed(), 1U);
  // The one that was left, and `first`.
  use(first);
  EXPECT_EQ(destroyed(), 3U);
  // Nothing but `second`: it is not tried for ever where the token refuses it.
  softhsm.proxy.fail("C_DestroyObject", CKR_ACTION_PROHIBITED);
  use(second);
  use(first);
  EXPECT_EQ(destroyed(), 4U);
}

TEST(Module, IsNeverFinalisedWhileACallHangsInIt) {
  SoftHsmToken softhsm;
  const CK_FUNCTION_LIST* functions = nullptr;
  {
    Modules modules;
    const auto module = std::static_pointer_cast<LoadedModule>(
        modules.load(kms::test::SoftHsm::proxy_path(), {}, soon()));
    functions = &module->functions();
    module->keep_forever();
    EXPECT_EQ(failure_of([&] { (void)module->tokens(true, within(milliseconds(100))); }),
              Failure::deadline_exceeded);
  }
  EXPECT_EQ(softhsm.proxy.count("C_Finalize").calls, 0U);
  // Nothing hangs really, and the next test is to find the module as new.
  EXPECT_EQ(functions->C_Finalize(nullptr), CKR_OK);
}

TEST_F(Faults, LeavesNoSessionBehind) {
  proxy_.fail("C_Encrypt", CKR_DEVICE_ERROR, 0, 3);
  works();
  token_.reset();
  EXPECT_EQ(proxy_.open_sessions(), 0U);
}

}  // namespace
}  // namespace pkcs11
