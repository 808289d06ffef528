#include "pkcs11/module_mutex.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/pkcs11/softhsm_token.h"

namespace pkcs11 {
namespace {

const CK_C_INITIALIZE_ARGS& cryptoki(InitializeArgs& args) {
  return *static_cast<CK_C_INITIALIZE_ARGS*>(args.get());
}

TEST(InitializeArgs, SayThatManyThreadsCallAndWhatTheVendorIsToldOnlyIfThereIsAny) {
  InitializeArgs none("");
  EXPECT_EQ(cryptoki(none).flags, CKF_OS_LOCKING_OK);
  EXPECT_EQ(cryptoki(none).pReserved, nullptr);
  InitializeArgs some("configdir='/var/lib/nss'");
  EXPECT_STREQ(static_cast<const char*>(cryptoki(some).pReserved), "configdir='/var/lib/nss'");
}

TEST(InitializeArgs, OfferMutexesThatLetOneThreadInAtATime) {
  InitializeArgs args("");
  const CK_C_INITIALIZE_ARGS& offered = cryptoki(args);
  void* mutex = nullptr;
  ASSERT_EQ(offered.CreateMutex(&mutex), CKR_OK);
  constexpr int kThreads = 4;
  constexpr int kTimes = 20000;
  int counter = 0;  // TSan sees it too
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kTimes; ++k) {
        ASSERT_EQ(offered.LockMutex(mutex), CKR_OK);
        ++counter;
        ASSERT_EQ(offered.UnlockMutex(mutex), CKR_OK);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, kThreads * kTimes);
  EXPECT_EQ(offered.DestroyMutex(mutex), CKR_OK);
}

/// What C_Initialize answers when it is offered mutexes, and how often it is called in all.
struct Answer {
  CK_RV rv;
  bool serves;
  std::uint64_t calls;
};

class ModuleThatIsOfferedMutexes : public testing::TestWithParam<Answer> {};

TEST_P(ModuleThatIsOfferedMutexes, IsAskedWithoutThemIfItIsThemThatItDoesNotWant) {
  SoftHsmToken softhsm;
  softhsm.proxy.fail("C_Initialize", GetParam().rv);
  if (GetParam().serves) {
    Bytes random(8);
    softhsm.open()->random(random, soon());
  } else {
    EXPECT_EQ(failure_of([&] { (void)softhsm.module(); }), Failure::module_not_loadable);
  }
  EXPECT_EQ(softhsm.proxy.count("C_Initialize").calls, GetParam().calls);
}

INSTANTIATE_TEST_SUITE_P(Answers, ModuleThatIsOfferedMutexes,
                         testing::Values(Answer{CKR_CANT_LOCK, true, 2},
                                         Answer{CKR_ARGUMENTS_BAD, true, 2},
                                         Answer{CKR_GENERAL_ERROR, false, 1},
                                         Answer{CKR_DEVICE_ERROR, false, 1}));

}  // namespace
}  // namespace pkcs11
