#include "tests/fakes/pkcs11_proxy/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/fakes/pkcs11_proxy/cryptoki.h"
#include "tests/fakes/pkcs11_proxy/functions.h"
#include "tests/support/softhsm.h"

namespace {

using namespace std::chrono_literals;
using kms::test::SoftHsm;
using pkcs11_proxy::Effect;
using pkcs11_proxy::kForever;

constexpr auto kSoon = 10s;
constexpr CK_FLAGS kReadWrite = CKF_SERIAL_SESSION | CKF_RW_SESSION;

class Proxy : public testing::Test {
 protected:
  Proxy() {
    hsm_.add_token("one");
    hsm_.add_token("two");
    control_.reset();
    void* library = ::dlopen(KMS_PROXY_MODULE, RTLD_NOW | RTLD_LOCAL);
    void* symbol = ::dlsym(library, "C_GetFunctionList");
    EXPECT_EQ(reinterpret_cast<CK_C_GetFunctionList>(symbol)(&p11_), CKR_OK);
    initialize();
    control_.zero_counters();
  }
  ~Proxy() override {
    control_.reset();
    p11_->C_Finalize(nullptr);
  }

  void initialize() {
    CK_C_INITIALIZE_ARGS args{};
    args.flags = CKF_OS_LOCKING_OK;
    ASSERT_EQ(p11_->C_Initialize(&args), CKR_OK);
  }

  std::vector<CK_SLOT_ID> slots() const {
    unsigned long size = 0;
    EXPECT_EQ(p11_->C_GetSlotList(CK_TRUE, nullptr, &size), CKR_OK);
    std::vector<CK_SLOT_ID> list(size);
    EXPECT_EQ(p11_->C_GetSlotList(CK_TRUE, list.data(), &size), CKR_OK);
    return list;
  }

  static std::string label(const CK_TOKEN_INFO& info) {
    std::string text(reinterpret_cast<const char*>(info.label), sizeof info.label);
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

  CK_SLOT_ID slot(const std::string& wanted = "one") const {
    for (const CK_SLOT_ID id : slots()) {
      CK_TOKEN_INFO info{};
      if (p11_->C_GetTokenInfo(id, &info) == CKR_OK && label(info) == wanted) return id;
    }
    ADD_FAILURE() << "no token " << wanted;
    return 0;
  }

  CK_SESSION_HANDLE open(CK_SLOT_ID id) const {
    CK_SESSION_HANDLE session = 0;
    EXPECT_EQ(p11_->C_OpenSession(id, kReadWrite, nullptr, nullptr, &session), CKR_OK);
    return session;
  }

  CK_RV login(CK_SESSION_HANDLE session, std::string pin = SoftHsm::kUserPin) const {
    return p11_->C_Login(session, CKU_USER, reinterpret_cast<unsigned char*>(pin.data()),
                         pin.size());
  }

  CK_RV random(CK_SESSION_HANDLE session) const {
    std::array<unsigned char, 8> bytes{};
    return p11_->C_GenerateRandom(session, bytes.data(), bytes.size());
  }

  CK_STATE state(CK_SESSION_HANDLE session) const {
    CK_SESSION_INFO info{};
    EXPECT_EQ(p11_->C_GetSessionInfo(session, &info), CKR_OK);
    return info.state;
  }

  CK_RV generate_aes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE& key, CK_BBOOL token = CK_FALSE) {
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG size = 32;
    std::array<CK_ATTRIBUTE, 5> attributes{{{CKA_TOKEN, &token, sizeof token},
                                            {CKA_SENSITIVE, &yes, sizeof yes},
                                            {CKA_ENCRYPT, &yes, sizeof yes},
                                            {CKA_DECRYPT, &yes, sizeof yes},
                                            {CKA_VALUE_LEN, &size, sizeof size}}};
    return p11_->C_GenerateKey(session, &mechanism, attributes.data(), attributes.size(), &key);
  }

  CK_RV decrypt(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, std::vector<unsigned char> iv,
                std::vector<unsigned char> ciphertext, std::string& plaintext) const {
    CK_GCM_PARAMS parameters{iv.data(), iv.size(), iv.size() * 8, nullptr, 0, 128};
    CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
    CK_RV rv = p11_->C_DecryptInit(session, &mechanism, key);
    if (rv != CKR_OK) return rv;
    std::vector<unsigned char> out(ciphertext.size());
    unsigned long size = out.size();
    rv = p11_->C_Decrypt(session, ciphertext.data(), ciphertext.size(), out.data(), &size);
    plaintext.assign(out.begin(),
                     out.begin() + static_cast<std::ptrdiff_t>(rv == CKR_OK ? size : 0));
    return rv;
  }

  SoftHsm hsm_;
  pkcs11_proxy::Control& control_ = pkcs11_proxy::control(KMS_PROXY_MODULE);
  CK_FUNCTION_LIST* p11_ = nullptr;
};

TEST_F(Proxy, HasAllFunctions) {
#define KMS_PROXY_EXPECT(name, kind) EXPECT_NE(p11_->name, nullptr) << #name;
  KMS_PROXY_FUNCTIONS(KMS_PROXY_EXPECT)
#undef KMS_PROXY_EXPECT
}

TEST_F(Proxy, ForwardsAndCounts) {
  const CK_SESSION_HANDLE session = open(slot());
  EXPECT_EQ(random(session), CKR_OK);
  EXPECT_EQ(random(session), CKR_OK);
  EXPECT_EQ(random(session + 1000), CKR_SESSION_HANDLE_INVALID);
  EXPECT_EQ(control_.count("C_GenerateRandom").calls, 3);
  EXPECT_EQ(control_.count("C_GenerateRandom").errors, 1);
  EXPECT_EQ(control_.open_sessions(), 1);
  EXPECT_EQ(p11_->C_CloseSession(session), CKR_OK);
  EXPECT_EQ(control_.open_sessions(), 0);
  control_.zero_counters();
  EXPECT_EQ(control_.count("C_GenerateRandom").calls, 0);
  EXPECT_THROW((void)control_.count("C_Nothing"), std::invalid_argument);
}

TEST_F(Proxy, FailsTheChosenCalls) {
  const CK_SESSION_HANDLE session = open(slot());
  control_.fail("C_GenerateRandom", CKR_DEVICE_ERROR, 1, 2);
  EXPECT_EQ(random(session), CKR_OK);
  EXPECT_EQ(random(session), CKR_DEVICE_ERROR);
  EXPECT_EQ(random(session), CKR_DEVICE_ERROR);
  EXPECT_EQ(random(session), CKR_OK);

  control_.fail("C_GenerateRandom", CKR_DEVICE_ERROR, 0, kForever);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(random(session), CKR_DEVICE_ERROR);
  control_.clear_failures();
  EXPECT_EQ(random(session), CKR_OK);
}

TEST_F(Proxy, RulesForOneFunctionAddUp) {
  const CK_SESSION_HANDLE session = open(slot());
  control_.fail("C_GenerateRandom", CKR_DEVICE_ERROR, 1);
  control_.fail("C_GenerateRandom", CKR_GENERAL_ERROR, 0);
  EXPECT_EQ(random(session), CKR_GENERAL_ERROR);
  EXPECT_EQ(random(session), CKR_DEVICE_ERROR);
  EXPECT_EQ(random(session), CKR_OK);
}

TEST_F(Proxy, CanFailAfterTheTokenHasDoneIt) {
  const CK_SESSION_HANDLE session = open(slot());
  ASSERT_EQ(login(session), CKR_OK);
  control_.fail("C_GenerateKey", CKR_GENERAL_ERROR, 0, 1, Effect::done);
  CK_OBJECT_HANDLE key = 0;
  EXPECT_EQ(generate_aes(session, key), CKR_GENERAL_ERROR);
  CK_OBJECT_HANDLE found = 0;
  unsigned long size = 0;
  EXPECT_EQ(p11_->C_FindObjectsInit(session, nullptr, 0), CKR_OK);
  EXPECT_EQ(p11_->C_FindObjects(session, &found, 1, &size), CKR_OK);
  EXPECT_EQ(size, 1);
}

TEST_F(Proxy, AddsLatency) {
  const CK_SESSION_HANDLE session = open(slot());
  control_.latency("all", 2000us);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) random(session);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
}

TEST_F(Proxy, HangsUntilReleased) {
  const CK_SESSION_HANDLE session = open(slot());
  control_.hang("C_GenerateRandom");
  auto hanging = std::async(std::launch::async, [&] { return random(session); });
  ASSERT_TRUE(control_.wait_until_hanging(1, kSoon));
  EXPECT_EQ(hanging.wait_for(0s), std::future_status::timeout);
  const CK_SESSION_HANDLE other = open(slot());
  EXPECT_EQ(random(other), CKR_OK);  // one call was to hang
  control_.release();
  EXPECT_EQ(hanging.get(), CKR_OK);
  EXPECT_FALSE(control_.wait_until_hanging(1, 0ms));
}

TEST_F(Proxy, ATokenCanBeAbsentAndComeBack) {
  const CK_SLOT_ID one = slot();
  const CK_SLOT_ID two = slot("two");
  const CK_SESSION_HANDLE session = open(one);
  const CK_SESSION_HANDLE other = open(two);
  ASSERT_EQ(login(session), CKR_OK);
  ASSERT_EQ(login(other), CKR_OK);

  control_.absent_until_restored("one");
  CK_TOKEN_INFO info{};
  CK_SLOT_INFO slot_info{};
  CK_SESSION_HANDLE unused = 0;
  EXPECT_EQ(random(session), CKR_DEVICE_REMOVED);
  EXPECT_EQ(p11_->C_GetTokenInfo(one, &info), CKR_TOKEN_NOT_PRESENT);
  EXPECT_EQ(p11_->C_OpenSession(one, kReadWrite, nullptr, nullptr, &unused), CKR_TOKEN_NOT_PRESENT);
  EXPECT_EQ(p11_->C_GetSlotInfo(one, &slot_info), CKR_OK);
  EXPECT_EQ(slot_info.flags & CKF_TOKEN_PRESENT, 0);
  EXPECT_THAT(slots(), testing::Not(testing::Contains(one)));
  EXPECT_EQ(random(other), CKR_OK);

  control_.restore();
  EXPECT_EQ(random(session), CKR_SESSION_HANDLE_INVALID);
  EXPECT_THAT(slots(), testing::Contains(one));
  const CK_SESSION_HANDLE again = open(one);
  EXPECT_EQ(state(again), CKS_RW_PUBLIC_SESSION);
  EXPECT_EQ(login(again), CKR_OK);
  EXPECT_EQ(state(other), CKS_RW_USER_FUNCTIONS);
}

TEST_F(Proxy, AllTokensCanBeAbsentForAWhile) {
  const CK_SLOT_ID one = slot();
  control_.absent_for(50ms);
  EXPECT_THAT(slots(), testing::IsEmpty());
  CK_SESSION_HANDLE session = 0;
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  CK_RV rv = CKR_OK;
  do {
    rv = p11_->C_OpenSession(one, kReadWrite, nullptr, nullptr, &session);
  } while (rv == CKR_TOKEN_NOT_PRESENT && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(rv, CKR_OK);
}

TEST_F(Proxy, ForgottenSessionsTakeTheLoginWithThem) {
  const CK_SESSION_HANDLE session = open(slot());
  ASSERT_EQ(login(session), CKR_OK);
  control_.forget_sessions();
  EXPECT_EQ(random(session), CKR_SESSION_HANDLE_INVALID);
  EXPECT_EQ(p11_->C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
  EXPECT_EQ(control_.open_sessions(), 0);
  EXPECT_EQ(state(open(slot())), CKS_RW_PUBLIC_SESSION);
}

TEST_F(Proxy, LogsEverybodyOut) {
  const CK_SESSION_HANDLE first = open(slot());
  const CK_SESSION_HANDLE second = open(slot("two"));
  ASSERT_EQ(login(first), CKR_OK);
  ASSERT_EQ(login(second), CKR_OK);
  control_.logout();
  EXPECT_EQ(state(first), CKS_RW_PUBLIC_SESSION);
  EXPECT_EQ(state(second), CKS_RW_PUBLIC_SESSION);
}

TEST_F(Proxy, LimitsTheSessionsOfAToken) {
  const CK_SLOT_ID one = slot();
  control_.max_sessions(2);
  const CK_SESSION_HANDLE first = open(one);
  open(one);
  CK_SESSION_HANDLE session = 0;
  EXPECT_EQ(p11_->C_OpenSession(one, kReadWrite, nullptr, nullptr, &session), CKR_SESSION_COUNT);
  open(slot("two"));
  EXPECT_EQ(p11_->C_CloseSession(first), CKR_OK);
  open(one);
  CK_TOKEN_INFO info{};
  EXPECT_EQ(p11_->C_GetTokenInfo(one, &info), CKR_OK);
  EXPECT_EQ(info.ulMaxSessionCount, 2);
}

TEST_F(Proxy, RefusesReadOnlySessions) {
  const CK_SLOT_ID one = slot();
  control_.read_only_sessions(false);
  CK_SESSION_HANDLE session = 0;
  EXPECT_EQ(p11_->C_OpenSession(one, CKF_SERIAL_SESSION, nullptr, nullptr, &session),
            CKR_FUNCTION_FAILED);
  open(one);
}

class ProxyGcm : public Proxy {
 protected:
  ProxyGcm() : session_(open(slot())) {
    EXPECT_EQ(login(session_), CKR_OK);
    EXPECT_EQ(generate_aes(session_, key_), CKR_OK);
  }
  CK_RV init() {
    CK_GCM_PARAMS parameters{iv_.data(), iv_.size(), iv_.size() * 8, nullptr, 0, 128};
    CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
    return p11_->C_EncryptInit(session_, &mechanism, key_);
  }
  CK_SESSION_HANDLE session_;
  CK_OBJECT_HANDLE key_ = 0;
  std::vector<unsigned char> iv_ = std::vector<unsigned char>(12, 0);
  std::vector<unsigned char> data_{'h', 'e', 'l', 'l', 'o'};
};

TEST_F(ProxyGcm, TheTokenWritesItsIvIntoTheParameters) {
  control_.gcm_iv(pkcs11_proxy::GcmIv::in_param);
  std::set<std::vector<unsigned char>> ivs;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(init(), CKR_OK);
    std::vector<unsigned char> out(64);
    unsigned long size = out.size();
    ASSERT_EQ(p11_->C_Encrypt(session_, data_.data(), data_.size(), out.data(), &size), CKR_OK);
    EXPECT_EQ(size, data_.size() + 16);
    out.resize(size);
    std::string plaintext;
    EXPECT_EQ(decrypt(session_, key_, iv_, out, plaintext), CKR_OK);
    EXPECT_EQ(plaintext, "hello");
    ivs.insert(iv_);
  }
  EXPECT_EQ(ivs.size(), 2);
}

TEST_F(ProxyGcm, TheTokenAppendsItsIvToTheCiphertext) {
  control_.gcm_iv(pkcs11_proxy::GcmIv::appended);
  ASSERT_EQ(init(), CKR_OK);
  EXPECT_EQ(iv_, std::vector<unsigned char>(12, 0));
  unsigned long size = 0;
  ASSERT_EQ(p11_->C_Encrypt(session_, data_.data(), data_.size(), nullptr, &size), CKR_OK);
  EXPECT_EQ(size, data_.size() + 32);
  std::vector<unsigned char> out(size);
  size = data_.size() + 16;
  EXPECT_EQ(p11_->C_Encrypt(session_, data_.data(), data_.size(), out.data(), &size),
            CKR_BUFFER_TOO_SMALL);
  ASSERT_EQ(p11_->C_Encrypt(session_, data_.data(), data_.size(), out.data(), &size), CKR_OK);
  ASSERT_EQ(size, out.size());
  const std::vector<unsigned char> iv(out.end() - 16, out.end());
  out.resize(out.size() - 16);
  std::string plaintext;
  EXPECT_EQ(decrypt(session_, key_, iv, out, plaintext), CKR_OK);
  EXPECT_EQ(plaintext, "hello");
}

TEST_F(ProxyGcm, LeavesTheIvToTheCallerByDefault) {
  iv_.assign(12, 7);
  ASSERT_EQ(init(), CKR_OK);
  EXPECT_EQ(iv_, std::vector<unsigned char>(12, 7));
}

TEST_F(ProxyGcm, HidesMechanisms) {
  const CK_SLOT_ID one = slot();
  CK_MECHANISM_INFO info{};
  unsigned long before = 0;
  unsigned long after = 0;
  EXPECT_EQ(p11_->C_GetMechanismList(one, nullptr, &before), CKR_OK);
  control_.hide_mechanism(CKM_AES_GCM);
  control_.hide_mechanism(CKM_AES_KEY_GEN);
  EXPECT_EQ(p11_->C_GetMechanismList(one, nullptr, &after), CKR_OK);
  EXPECT_EQ(after, before - 2);
  EXPECT_EQ(p11_->C_GetMechanismInfo(one, CKM_AES_GCM, &info), CKR_MECHANISM_INVALID);
  EXPECT_EQ(init(), CKR_MECHANISM_INVALID);
  CK_OBJECT_HANDLE key = 0;
  EXPECT_EQ(generate_aes(session_, key), CKR_MECHANISM_INVALID);
  control_.show_mechanisms();
  EXPECT_EQ(init(), CKR_OK);
}

TEST_F(ProxyGcm, TheTripwireSeesSecretValuesBeingRead) {
  std::array<unsigned char, 32> value{};
  CK_ULONG type = 0;
  CK_ATTRIBUTE harmless{CKA_KEY_TYPE, &type, sizeof type};
  EXPECT_EQ(p11_->C_GetAttributeValue(session_, key_, &harmless, 1), CKR_OK);
  EXPECT_EQ(control_.tripped(), 0);
  CK_ATTRIBUTE secret{CKA_VALUE, value.data(), value.size()};
  EXPECT_EQ(p11_->C_GetAttributeValue(session_, key_, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
  EXPECT_EQ(control_.tripped(), 1);
}

using ProxyDeathTest = ProxyGcm;

TEST_F(ProxyDeathTest, TheArmedTripwireAborts) {
  control_.arm_tripwire(true);
  std::array<unsigned char, 32> value{};
  CK_ATTRIBUTE secret{CKA_VALUE, value.data(), value.size()};
  EXPECT_DEATH(p11_->C_GetAttributeValue(session_, key_, &secret, 1),
               "tripwire: the value of a sensitive key is read");
}

TEST_F(ProxyDeathTest, TwoCallsInOneSessionAbort) {
  EXPECT_DEATH(
      {
        control_.hang("C_GenerateRandom");
        std::thread hanging([&] { random(session_); });
        control_.wait_until_hanging(1, kSoon);
        p11_->C_CloseSession(session_);
        hanging.join();
      },
      "C_CloseSession on a session that another call is using");
}

TEST_F(Proxy, LocksThePinAfterWrongOnes) {
  const CK_SLOT_ID one = slot();
  const CK_SESSION_HANDLE session = open(one);
  control_.pin_lock(2);
  CK_TOKEN_INFO info{};
  EXPECT_EQ(login(session, "wrong1"), CKR_PIN_INCORRECT);
  EXPECT_EQ(p11_->C_GetTokenInfo(one, &info), CKR_OK);
  EXPECT_NE(info.flags & CKF_USER_PIN_FINAL_TRY, 0);
  EXPECT_EQ(login(session, "wrong2"), CKR_PIN_INCORRECT);
  EXPECT_EQ(login(session), CKR_PIN_LOCKED);
  EXPECT_EQ(p11_->C_GetTokenInfo(one, &info), CKR_OK);
  EXPECT_NE(info.flags & CKF_USER_PIN_LOCKED, 0);
  EXPECT_EQ(login(open(slot("two"))), CKR_OK);
  control_.pin_lock(0);
  EXPECT_EQ(login(session), CKR_OK);
}

TEST_F(Proxy, AGoodPinEndsTheRowOfWrongOnes) {
  const CK_SESSION_HANDLE session = open(slot());
  control_.pin_lock(2);
  EXPECT_EQ(login(session, "wrong1"), CKR_PIN_INCORRECT);
  EXPECT_EQ(login(session), CKR_OK);
  EXPECT_EQ(p11_->C_Logout(session), CKR_OK);
  EXPECT_EQ(login(session, "wrong1"), CKR_PIN_INCORRECT);
  EXPECT_EQ(login(session), CKR_OK);
}

TEST_F(Proxy, FaultsComeIntoForceUnderLoad) {
  const CK_SLOT_ID one = slot();
  std::atomic<bool> stop = false;
  std::atomic<unsigned> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      CK_SESSION_HANDLE session = open(one);
      while (!stop) {
        const CK_RV rv = random(session);
        if (rv == CKR_SESSION_HANDLE_INVALID) {
          session = open(one);
        } else if (rv != CKR_OK) {
          ++wrong;
        }
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    control_.forget_sessions();
    control_.logout();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
