#include "pkcs11/session_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <thread>
#include <vector>

#include "pkcs11/library.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/eventually.h"

namespace pkcs11 {
namespace {

using kms::test::eventually;
using kms::test::SoftHsm;
using std::chrono::milliseconds;

class Pool : public testing::Test {
 protected:
  SoftHsm softhsm_;
  pkcs11_proxy::Control& proxy_ = pkcs11_proxy::control(SoftHsm::proxy_path());
  std::optional<Library> library_;

  void SetUp() override {
    softhsm_.add_token("test");
    proxy_.reset();
    library_.emplace(SoftHsm::proxy_path());
    library_->initialize({});
  }
  void TearDown() override { proxy_.reset(); }

  CK_SLOT_ID slot() {
    std::array<CK_SLOT_ID, 4> slots{};
    CK_ULONG number = slots.size();
    EXPECT_EQ(library_->functions().C_GetSlotList(CK_TRUE, slots.data(), &number), CKR_OK);
    return slots[0];
  }
};

TEST_F(Pool, OpensSessionsWhenNeededAndUsesTheLastOneFirst) {
  SessionPool pool(library_->functions(), 3);
  pool.use_slot(slot());
  EXPECT_EQ(pool.open(), 0U);
  Session* second = nullptr;
  {
    auto one = pool.acquire(soon());
    auto two = pool.acquire(soon());
    second = &two.session();
    EXPECT_EQ(pool.open(), 2U);
    { const auto gone = std::move(two); }
    EXPECT_EQ(&pool.acquire(soon()).session(), second);
  }
  EXPECT_EQ(pool.open(), 2U);
  EXPECT_EQ(proxy_.open_sessions(), 2U);
}

TEST_F(Pool, WaitsForASessionUntilTheDeadline) {
  SessionPool pool(library_->functions(), 1);
  pool.use_slot(slot());
  std::optional<SessionPool::Lease> held(pool.acquire(soon()));
  EXPECT_EQ(failure_of([&] { (void)pool.acquire(within(milliseconds(20))); }),
            Failure::sessions_exhausted);
  std::thread other([&] { (void)pool.acquire(soon()); });
  held.reset();
  other.join();
  EXPECT_EQ(pool.open(), 1U);
}

TEST_F(Pool, ServesThoseWhoWaitInTheOrderOfTheirComing) {
  SessionPool pool(library_->functions(), 1);
  pool.use_slot(slot());
  std::optional<SessionPool::Lease> held(pool.acquire(soon()));
  std::vector<std::size_t> order;  // written by the one that has the only session
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&pool, &order, i] {
      const auto lease = pool.acquire(soon());
      order.push_back(i);
    });
    ASSERT_TRUE(eventually([&] { return pool.waiting() == i + 1; }));
  }
  held.reset();
  {
    const auto newcomer = pool.acquire(soon());
    order.push_back(4);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST_F(Pool, WhoGivesUpWaitingStandsInNobodysWay) {
  SessionPool pool(library_->functions(), 1);
  pool.use_slot(slot());
  std::optional<SessionPool::Lease> held(pool.acquire(soon()));
  std::thread impatient([&] {
    EXPECT_EQ(failure_of([&] { (void)pool.acquire(within(milliseconds(500))); }),
              Failure::sessions_exhausted);
  });
  ASSERT_TRUE(eventually([&] { return pool.waiting() == 1; }));
  std::thread patient([&] { EXPECT_NO_THROW((void)pool.acquire(soon())); });
  impatient.join();
  ASSERT_TRUE(eventually([&] { return pool.waiting() == 1; }));
  held.reset();
  patient.join();
  EXPECT_EQ(pool.waiting(), 0U);
  EXPECT_EQ(pool.open(), 1U);
}

TEST_F(Pool, WhoWaitsOpensASessionInPlaceOfOneThatWasClosed) {
  SessionPool pool(library_->functions(), 1);
  pool.use_slot(slot());
  std::optional<SessionPool::Lease> held(pool.acquire(soon()));
  std::thread other([&] { EXPECT_NO_THROW((void)pool.acquire(soon())); });
  ASSERT_TRUE(eventually([&] { return pool.waiting() == 1; }));
  held->poison();
  held.reset();
  other.join();
  EXPECT_EQ(pool.open(), 1U);
}

TEST_F(Pool, ClosesAPoisonedSessionAndOneLeftInMidOperation) {
  SessionPool pool(library_->functions(), 2);
  pool.use_slot(slot());
  {
    auto lease = pool.acquire(soon());
    lease.poison();
  }
  EXPECT_EQ(pool.open(), 0U);
  {
    auto lease = pool.acquire(soon());
    proxy_.fail("C_FindObjects", CKR_DEVICE_ERROR);
    EXPECT_THROW((void)lease.session().find({}), Error);
    EXPECT_TRUE(lease.session().busy());
  }
  EXPECT_EQ(pool.open(), 0U);
  EXPECT_EQ(proxy_.open_sessions(), 0U);
}

TEST_F(Pool, ShrinksToWhatTheTokenAllows) {
  proxy_.max_sessions(2);
  SessionPool pool(library_->functions(), 8);
  pool.use_slot(slot());
  auto one = pool.acquire(soon());
  std::optional<SessionPool::Lease> two(pool.acquire(soon()));
  EXPECT_EQ(failure_of([&] { (void)pool.acquire(within(milliseconds(20))); }),
            Failure::sessions_exhausted);
  EXPECT_EQ(pool.limit(), 2U);
  two.reset();
  EXPECT_NO_THROW((void)pool.acquire(soon()));
  pool.close_idle();
  EXPECT_EQ(pool.open(), 1U);
}

TEST_F(Pool, AsksAgainWhereOthersHoldAllSessions) {
  proxy_.max_sessions(0);
  SessionPool pool(library_->functions(), 8);
  pool.use_slot(slot());
  EXPECT_EQ(failure_of([&] { (void)pool.acquire(within(milliseconds(100))); }),
            Failure::sessions_exhausted);
  proxy_.max_sessions(1);
  EXPECT_NO_THROW((void)pool.acquire(soon()));
}

TEST_F(Pool, WhoWaitsForASessionThatIsNotGrantedAsksForOneItself) {
  SessionPool pool(library_->functions(), 1);
  pool.use_slot(slot());
  proxy_.hang("C_OpenSession");
  proxy_.fail("C_OpenSession", CKR_SESSION_COUNT);
  std::thread first([&] {
    EXPECT_EQ(failure_of([&] { (void)pool.acquire(within(milliseconds(100))); }),
              Failure::sessions_exhausted);
  });
  ASSERT_TRUE(proxy_.wait_until_hanging(1, std::chrono::seconds(10)));
  std::thread second([&] { EXPECT_NO_THROW((void)pool.acquire(soon())); });
  // Until the first one's time is over, and the second one waits for its session.
  EXPECT_THROW((void)pool.acquire(within(milliseconds(200))), Error);
  proxy_.release();
  first.join();
  second.join();
}

TEST_F(Pool, PassesOnWhatOpeningASessionAnswers) {
  SessionPool pool(library_->functions(), 2);
  pool.use_slot(slot());
  proxy_.fail("C_OpenSession", CKR_DEVICE_ERROR);
  EXPECT_EQ(failure_of([&] { (void)pool.acquire(soon()); }), Failure::device_error);
  EXPECT_EQ(pool.open(), 0U);
  EXPECT_NO_THROW((void)pool.acquire(soon()));
}

}  // namespace
}  // namespace pkcs11
