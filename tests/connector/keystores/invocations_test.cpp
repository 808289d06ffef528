#include "connector/keystores/invocations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace kms::keystores {
namespace {

class InvocationsTest : public ::testing::Test {
 protected:
  InvocationsTest() {
    keys::KeyRecord key;
    key.scope = {"123456789012", "us-east-1"};
    key.id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    key.current_material = std::string(64, 'a');
    key.materials = {{.id = key.current_material,
                      .created = {},
                      .generations = {{.number = 1, .ref = pkcs11::ObjectMaterial{}}}}};
    const storage::Change put = storage::Put<keys::KeyRecord>{key};
    store_->commit({&put, 1});
  }
  void reopen() {
    store_.reset();
    store_ = storage::open_sqlite(path());
  }
  [[nodiscard]] std::string path() const { return (dir_.path() / "kms.sqlite").string(); }
  [[nodiscard]] keys::KeyPtr key() const {
    return store_->key({"123456789012", "us-east-1"}, "1234abcd-12ab-34cd-56ef-1234567890ab");
  }
  [[nodiscard]] std::uint64_t reserved() const {
    return key()->materials.front().generations.front().reserved;
  }
  bool take(Invocations& invocations) const {
    const keys::KeyPtr held = key();
    const keys::Material& material = held->materials.front();
    return invocations.take(*held, material, material.generations.front());
  }

  test::TempDir dir_;
  std::unique_ptr<storage::MetadataStore> store_ = storage::open_sqlite(path());
};

TEST_F(InvocationsTest, EndAtTheLimit) {
  Invocations invocations(*store_, 5, 2);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(invocations)) << i;
  EXPECT_FALSE(take(invocations));
  EXPECT_FALSE(take(invocations));
  EXPECT_EQ(reserved(), 5U);
}

TEST_F(InvocationsTest, AreReservedBeforeTheyAreUsed) {
  Invocations invocations(*store_, 1000, 1);
  for (std::uint64_t used = 1; used <= 20; ++used) {
    ASSERT_TRUE(take(invocations));
    EXPECT_GE(reserved(), used);
  }
}

TEST_F(InvocationsTest, OfAnEarlierRunAreNotUsedAgain) {
  {
    Invocations invocations(*store_, 10, 6);
    EXPECT_TRUE(take(invocations));
  }
  EXPECT_EQ(reserved(), 6U);
  reopen();
  EXPECT_EQ(reserved(), 6U);
  Invocations invocations(*store_, 10, 6);
  for (int i = 6; i < 10; ++i) EXPECT_TRUE(take(invocations)) << i;
  EXPECT_FALSE(take(invocations));
}

TEST_F(InvocationsTest, AreReservedAheadInTheBackground) {
  Invocations invocations(*store_, 1'000'000, 100);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(take(invocations));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (reserved() < 200 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(reserved(), 200U);
}

TEST_F(InvocationsTest, OfManyThreadsAreCountedOnce) {
  constexpr std::uint64_t kLimit = 5000;
  Invocations invocations(*store_, kLimit, 64);
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      while (take(invocations)) ++taken;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kLimit);
  EXPECT_EQ(reserved(), kLimit);
}

TEST_F(InvocationsTest, ThatCannotBeReservedAreNotTaken) {
  Invocations invocations(*store_, 10, 1);
  const keys::KeyPtr held = key();
  const storage::Change erase = storage::Erase<keys::KeyRecord>{*held};
  store_->commit({&erase, 1});
  const keys::Material& material = held->materials.front();
  EXPECT_THROW((void)invocations.take(*held, material, material.generations.front()),
               storage::Error);
}

}  // namespace
}  // namespace kms::keystores
