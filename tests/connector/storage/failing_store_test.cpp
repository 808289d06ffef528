#include "tests/fakes/failing_store.h"

#include <gtest/gtest.h>

#include "connector/storage/open_store.h"
#include "tests/contracts/metadata_store_records.h"
#include "tests/support/temp_dir.h"

namespace kms::test {
namespace {

using storage::Fault;

TEST(FailingStore, FailsTheCommitItIsToldTo) {
  const TempDir dir;
  const auto real = storage::open_sqlite(dir.path() / "kms.sqlite");
  FailingStore store(*real);
  store.fail_commit(2);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "a"))}), std::nullopt);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "b"))}), Fault::unavailable);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "c"))}), std::nullopt);
  store.fail_all_commits(Fault::conflict);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "d"))}), Fault::conflict);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "d"))}), Fault::conflict);
  store.fail_commit(0);
  EXPECT_EQ(fault_of(store, {put(plain_key(kHere, "d"))}), std::nullopt);
  EXPECT_EQ(store.commits(), 6);
  EXPECT_EQ(real->key_count(kHere), 3U);
  EXPECT_EQ(store.key(kHere, "b"), nullptr);
}

}  // namespace
}  // namespace kms::test
