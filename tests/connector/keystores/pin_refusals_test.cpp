#include "connector/keystores/pin_refusals.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace kms::keystores {
namespace {

using pkcs11::Failure;
using test::read_file;
using test::TempDir;

class PinRefusals : public ::testing::Test {
 protected:
  std::string database() { return (dir_.path() / "kms.sqlite").string(); }
  std::string key_file() { return (dir_.path() / "key").string(); }
  static ByteView pin(std::string_view text) { return as_bytes(text); }

  TempDir dir_;
  std::unique_ptr<storage::MetadataStore> store_ = storage::open_sqlite(database());
};

TEST_F(PinRefusals, AreOfOneTokenAndOnePin) {
  StoredPinRefusals refusals(*store_, key_file());
  EXPECT_FALSE(refusals.refused("serial", pin("1234")));
  refusals.record("serial", pin("1234"), Failure::pin_incorrect);
  EXPECT_EQ(refusals.refused("serial", pin("1234")), Failure::pin_incorrect);
  EXPECT_FALSE(refusals.refused("serial", pin("12345")));
  EXPECT_FALSE(refusals.refused("serial1", pin("234")));
  EXPECT_FALSE(refusals.refused("other", pin("1234")));
}

TEST_F(PinRefusals, SurviveTheProcess) {
  StoredPinRefusals(*store_, key_file()).record("serial", pin("1234"), Failure::pin_locked);
  store_.reset();
  store_ = storage::open_sqlite(database());
  EXPECT_EQ(StoredPinRefusals(*store_, key_file()).refused("serial", pin("1234")),
            Failure::pin_locked);
}

// Databases of older builds hold them.
TEST_F(PinRefusals, NumbersInTheDatabaseStay) {
  StoredPinRefusals refusals(*store_, key_file());
  refusals.record("incorrect", pin("1234"), Failure::pin_incorrect);
  refusals.record("locked", pin("1234"), Failure::pin_locked);
  EXPECT_EQ(store_->pin_refusals("incorrect").at(0).failure, 5);
  EXPECT_EQ(store_->pin_refusals("locked").at(0).failure, 6);
}

TEST_F(PinRefusals, OfAnUnknownNumberAreRefusalsToo) {
  StoredPinRefusals refusals(*store_, key_file());
  refusals.record("serial", pin("1234"), Failure::pin_locked);
  keys::PinRefusalRecord record = store_->pin_refusals("serial").at(0);
  record.failure = 200;
  const storage::Change put = storage::Put<keys::PinRefusalRecord>{record};
  store_->commit({&put, 1});
  EXPECT_EQ(refusals.refused("serial", pin("1234")), Failure::pin_incorrect);
}

TEST_F(PinRefusals, MayBeRecordedTwice) {
  StoredPinRefusals refusals(*store_, key_file());
  refusals.record("serial", pin("1234"), Failure::pin_incorrect);
  refusals.record("serial", pin("1234"), Failure::pin_incorrect);
  EXPECT_EQ(store_->pin_refusals("serial").size(), 1U);
}

TEST_F(PinRefusals, AreLiftedOneByOne) {
  StoredPinRefusals refusals(*store_, key_file());
  refusals.record("serial", pin("1234"), Failure::pin_incorrect);
  refusals.record("serial", pin("5678"), Failure::pin_incorrect);
  EXPECT_FALSE(refusals.lift("serial", pin("9999")));
  const auto lifted = refusals.lift("serial", pin("1234"));
  ASSERT_TRUE(lifted);
  store_->commit({&*lifted, 1});
  EXPECT_FALSE(refusals.refused("serial", pin("1234")));
  EXPECT_EQ(refusals.refused("serial", pin("5678")), Failure::pin_incorrect);
}

TEST_F(PinRefusals, DoNotTellThePin) {
  StoredPinRefusals refusals(*store_, key_file());
  refusals.record("serial", pin("secret-pin"), Failure::pin_incorrect);
  const Bytes hash = store_->pin_refusals("serial").at(0).pin_hash;
  EXPECT_EQ(hash.size(), 32U);
  // Under another key the same PIN has another hash.
  StoredPinRefusals others(*store_, key_file() + "2");
  EXPECT_FALSE(others.refused("serial", pin("secret-pin")));
}

TEST_F(PinRefusals, KeyIsTheOwnersAlone) {
  const StoredPinRefusals refusals(*store_, key_file());
  struct stat status {};
  ASSERT_EQ(::stat(key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(status.st_size, 32);
  EXPECT_FALSE(std::filesystem::exists(key_file() + ".new"));
}

TEST_F(PinRefusals, KeyThatOthersMayReadIsRefused) {
  { const StoredPinRefusals refusals(*store_, key_file()); }
  ASSERT_EQ(::chmod(key_file().c_str(), 0640), 0);
  EXPECT_THROW(StoredPinRefusals(*store_, key_file()), std::runtime_error);
}

TEST_F(PinRefusals, ShortKeyIsRefused) {
  (void)dir_.write("key", "short");
  EXPECT_THROW(StoredPinRefusals(*store_, key_file()), std::runtime_error);
}

}  // namespace
}  // namespace kms::keystores
