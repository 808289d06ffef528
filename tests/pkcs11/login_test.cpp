#include <gtest/gtest.h>

#include <map>

#include "pkcs11/cryptoki.h"
#include "tests/pkcs11/softhsm_token.h"

namespace pkcs11 {
namespace {

using kms::test::SoftHsm;
using std::chrono::milliseconds;

/// Stands for the durable record.
class RefusalsInMemory final : public PinRefusals {
 public:
  std::optional<Failure> refused(const std::string& serial, ByteView pin) override {
    const auto found = refused_.find({serial, Bytes(pin.begin(), pin.end())});
    if (found == refused_.end()) return std::nullopt;
    return found->second;
  }
  void record(const std::string& serial, ByteView pin, Failure failure) override {
    refused_[{serial, Bytes(pin.begin(), pin.end())}] = failure;
  }
  [[nodiscard]] std::size_t size() const { return refused_.size(); }

 private:
  std::map<std::pair<std::string, Bytes>, Failure> refused_;
};

class Login : public testing::Test {
 protected:
  SoftHsmToken softhsm_;
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  std::shared_ptr<RefusalsInMemory> refusals_ = std::make_shared<RefusalsInMemory>();

  std::unique_ptr<Token> open(const std::string& pin, Deadline deadline = soon()) {
    TokenOptions options = softhsm_.options(pin);
    options.pin_refusals = refusals_;
    return softhsm_.module()->open(std::move(options), deadline);
  }
  std::uint64_t logins() { return proxy_.count("C_Login").calls; }
};

TEST_F(Login, IsOneForAToken) {
  const auto token = open(SoftHsm::kUserPin);
  EXPECT_EQ(logins(), 1U);
  EXPECT_EQ(refusals_->size(), 0U);
}

TEST_F(Login, TriesARefusedPinNeverAgain) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(failure_of([&] { (void)open("wrong"); }), Failure::pin_incorrect);
  }
  EXPECT_EQ(logins(), 1U);
  EXPECT_EQ(refusals_->size(), 1U);
  EXPECT_NO_THROW((void)open(SoftHsm::kUserPin));
}

TEST_F(Login, RemembersARefusalWithoutARecord) {
  refusals_.reset();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(failure_of([&] { (void)open("wrong"); }), Failure::pin_incorrect);
  }
  EXPECT_EQ(logins(), 1U);
}

TEST_F(Login, HeedsARefusalOfAnEarlierProcess) {
  const auto serial = softhsm_.module()->tokens(false, soon()).at(0).serial;
  const std::string pin = "wrong";
  refusals_->record(serial, SecretBytes::copy_of(std::string_view(pin)).view(),
                    Failure::pin_incorrect);
  EXPECT_EQ(failure_of([&] { (void)open(pin); }), Failure::pin_incorrect);
  EXPECT_EQ(logins(), 0U);
}

TEST_F(Login, APinThatIsLockedOrHasExpiredIsNotOnRecordAndTriedAgainWhenSeenTo) {
  for (const CK_RV rv : {CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_NEW_PIN_MODE}) {
    proxy_.zero_counters();
    proxy_.fail("C_Login", rv);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(failure_of([&] { (void)open(SoftHsm::kUserPin); }), Failure::pin_locked);
    }
    EXPECT_EQ(logins(), 1U);
    EXPECT_EQ(refusals_->size(), 0U);
    (void)softhsm_.module()->tokens(true, soon());
    EXPECT_NO_THROW((void)open(SoftHsm::kUserPin));
  }
}

TEST_F(Login, ARecordThatAPinIsLockedDoesNotCount) {
  const auto serial = softhsm_.module()->tokens(false, soon()).at(0).serial;
  refusals_->record(serial, SecretBytes::copy_of(std::string_view(SoftHsm::kUserPin)).view(),
                    Failure::pin_locked);
  EXPECT_NO_THROW((void)open(SoftHsm::kUserPin));
}

TEST_F(Login, EveryAnswerThatRefusesThePinIsOnRecord) {
  for (const CK_RV rv :
       {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_TOO_WEAK, CKR_NEXT_OTP}) {
    const std::string pin = "wrong" + std::to_string(rv);
    proxy_.zero_counters();
    proxy_.fail("C_Login", rv);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(failure_of([&] { (void)open(pin); }), Failure::pin_incorrect);
    }
    EXPECT_EQ(logins(), 1U);
  }
  EXPECT_EQ(refusals_->size(), 5U);
}

TEST_F(Login, ARecordThatFailsChangesNothingButTheNextProcess) {
  class Broken final : public PinRefusals {
   public:
    std::optional<Failure> refused(const std::string&, ByteView) override { return std::nullopt; }
    void record(const std::string&, ByteView, Failure) override {
      throw std::runtime_error("disk full");
    }
  };
  for (int i = 0; i < 2; ++i) {
    TokenOptions options = softhsm_.options("wrong");
    options.pin_refusals = std::make_shared<Broken>();
    EXPECT_EQ(failure_of([&] { (void)softhsm_.module()->open(std::move(options), soon()); }),
              Failure::pin_incorrect);
  }
  EXPECT_EQ(logins(), 1U);
  EXPECT_NE(softhsm_.log_text().find("disk full"), std::string::npos);
}

TEST_F(Login, DoesNotTouchALockedPin) {
  proxy_.pin_lock(2);
  EXPECT_EQ(failure_of([&] { (void)open("wrong1"); }), Failure::pin_incorrect);
  EXPECT_EQ(failure_of([&] { (void)open("wrong2"); }), Failure::pin_incorrect);
  EXPECT_EQ(logins(), 2U);
  EXPECT_EQ(failure_of([&] { (void)open(SoftHsm::kUserPin); }), Failure::pin_locked);
  EXPECT_EQ(logins(), 2U);
  EXPECT_EQ(refusals_->size(), 2U);
}

TEST_F(Login, AFaultOfTheDeviceIsNoRefusal) {
  for (const auto effect : {pkcs11_proxy::Effect::none, pkcs11_proxy::Effect::done}) {
    proxy_.fail("C_Login", 0x30, 0, 1, effect);
    const auto token = open(SoftHsm::kUserPin);
    token->check_health(soon());
  }
  EXPECT_EQ(refusals_->size(), 0U);
}

TEST_F(Login, ARefusalDuringRecoveryEndsIt) {
  const auto token = open(SoftHsm::kUserPin);
  proxy_.fail("C_Login", 0xA0, 0, pkcs11_proxy::kForever);
  proxy_.logout();
  Bytes out(8);
  const ObjectId id{1};
  proxy_.zero_counters();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(failure_of([&] { (void)token->has_object(id, soon()); }), Failure::pin_incorrect);
  }
  EXPECT_EQ(logins(), 1U);
  EXPECT_EQ(refusals_->size(), 1U);
}

TEST_F(Login, OneTokenIsNotOpenedTwice) {
  auto token = open(SoftHsm::kUserPin);
  EXPECT_EQ(failure_of([&] { (void)open("wrong"); }), Failure::user_logged_in_elsewhere);
  EXPECT_EQ(failure_of([&] { (void)open(SoftHsm::kUserPin); }), Failure::user_logged_in_elsewhere);
  token->check_health(soon());
  token.reset();
  token = open(SoftHsm::kUserPin);
  token->check_health(soon());
  EXPECT_EQ(refusals_->size(), 0U);
}

TEST_F(Login, LeavesNothingOpenWhenItFails) {
  EXPECT_EQ(failure_of([&] { (void)open("wrong"); }), Failure::pin_incorrect);
  EXPECT_EQ(proxy_.open_sessions(), 0U);
}

TEST_F(Login, UnknownAndAmbiguousTokensAreRefused) {
  softhsm_.softhsm.add_token("twin");
  softhsm_.softhsm.add_token("twin");
  TokenOptions options = softhsm_.options();
  options.selector.label = "nobody";
  EXPECT_EQ(failure_of([&] { (void)softhsm_.module()->open(std::move(options), soon()); }),
            Failure::token_not_found);
  options = softhsm_.options();
  options.selector.label = "twin";
  try {
    (void)softhsm_.module()->open(std::move(options), soon());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.failure(), Failure::token_ambiguous);
    for (const TokenInfo& info : softhsm_.module()->tokens(false, soon())) {
      EXPECT_EQ(std::string(error.what()).find(info.serial) != std::string::npos,
                info.label == "twin");
    }
  }
}

TEST_F(Login, FindsATokenMadeMeanwhileAndKeepsTheOthers) {
  const auto first = open(SoftHsm::kUserPin);
  const ObjectMaterial key{KeyKind::aes_256, ObjectId{1}};
  first->generate_object(KeyKind::aes_256, key.id, "key", soon());
  const WrappedMaterial wrapped = first->generate_wrapped(KeyKind::aes_256, soon());
  const GcmCiphertext one = first->gcm_encrypt(key, {}, {}, soon());
  const GcmCiphertext two = first->gcm_encrypt(wrapped, {}, {}, soon());

  softhsm_.softhsm.add_token("late");
  TokenOptions options = softhsm_.options();
  options.selector.label = "late";
  const auto late = softhsm_.module()->open(std::move(options), soon());
  late->check_health(soon());
  EXPECT_EQ(late->info().label, "late");

  EXPECT_EQ(first->epoch(), 2U);
  first->check_health(soon());
  EXPECT_TRUE(first->gcm_decrypt(key, one.iv, one.data, {}, soon()).has_value());
  EXPECT_TRUE(first->gcm_decrypt(wrapped, two.iv, two.data, {}, soon()).has_value());
  EXPECT_EQ(failure_of([&] { (void)late->gcm_encrypt(key, {}, {}, soon()); }),
            Failure::key_not_found);
}

TEST_F(Login, ATokenEmptiedFromOutsideIsKeyNotFoundAndNotADeviceError) {
  const auto token = open(SoftHsm::kUserPin);
  const ObjectMaterial key{KeyKind::aes_256, ObjectId{1}};
  token->generate_object(KeyKind::aes_256, key.id, "key", soon());
  softhsm_.softhsm.reset_token("test");
  EXPECT_EQ(failure_of([&] { (void)token->gcm_encrypt(key, {}, {}, soon()); }),
            Failure::key_not_found);
  token->check_health(soon());
}

TEST_F(Login, ADeletedTokenIsNotAMissingKey) {
  const auto token = open(SoftHsm::kUserPin);
  softhsm_.softhsm.delete_token("test");
  EXPECT_NE(failure_of([&] { (void)token->has_object({}, within(milliseconds(300))); }),
            Failure::key_not_found);
  EXPECT_THROW(token->check_health(soon()), Error);
}

TEST_F(Login, AKeyDestroyedFromOutsideIsGoneAtOnce) {
  const auto token = open(SoftHsm::kUserPin);
  const ObjectMaterial key{KeyKind::aes_256, ObjectId{0xAB, 0xCD}};
  token->generate_object(KeyKind::aes_256, key.id, "key", soon());
  (void)token->gcm_encrypt(key, {}, {}, soon());
  softhsm_.softhsm.destroy_secret_key("test", SoftHsm::kUserPin,
                                      "abcd0000000000000000000000000000");
  EXPECT_EQ(failure_of([&] { (void)token->gcm_encrypt(key, {}, {}, soon()); }),
            Failure::key_not_found);
  EXPECT_EQ(token->epoch(), 1U);
  token->generate_object(KeyKind::aes_256, key.id, "key", soon());
  EXPECT_EQ(token->gcm_encrypt(key, {}, {}, soon()).data.size(), 16U);
}

TEST_F(Login, KeepsKekAndCanaryFromOneOpeningToTheNext) {
  auto token = open(SoftHsm::kUserPin);
  const WrappedMaterial wrapped = token->generate_wrapped(KeyKind::aes_256, soon());
  const GcmCiphertext sealed = token->gcm_encrypt(wrapped, {}, {}, soon());
  token.reset();
  proxy_.zero_counters();
  token = open(SoftHsm::kUserPin);
  EXPECT_EQ(proxy_.count("C_GenerateKey").calls, 0U);
  EXPECT_TRUE(token->gcm_decrypt(wrapped, sealed.iv, sealed.data, {}, soon()).has_value());
  EXPECT_EQ(token->generate_wrapped(KeyKind::aes_256, soon()).kek, wrapped.kek);
}

TEST_F(Login, AKeyStoreTokenHasNoKek) {
  TokenOptions options = softhsm_.options();
  options.wrap_materials = false;
  const auto token = softhsm_.module()->open(std::move(options), soon());
  EXPECT_EQ(failure_of([&] { (void)token->generate_wrapped(KeyKind::aes_256, soon()); }),
            Failure::unsupported);
  EXPECT_TRUE(token->objects(soon()).empty());
}

TEST_F(Login, AMissingModuleIsSaidToBe) {
  Modules modules;
  EXPECT_EQ(failure_of([&] { (void)modules.load("/nowhere/module.so", {}, soon()); }),
            Failure::module_not_loadable);
  EXPECT_EQ(failure_of([&] { (void)modules.load("libcrypto.so.3", {}, soon()); }),
            Failure::module_not_loadable);
}

TEST_F(Login, OneContextServesAllNamesOfAModule) {
  const std::string link = softhsm_.softhsm.path() / "link.so";
  std::filesystem::create_symlink(SoftHsm::proxy_path(), link);
  EXPECT_EQ(softhsm_.modules.load(link, {}, soon()), softhsm_.module());
}

}  // namespace
}  // namespace pkcs11
