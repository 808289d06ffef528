#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "connector/storage/open_store.h"
#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

// SoftHSM 2.6.1 cannot wrap Ed25519 keys: what is imported becomes token objects.
class ImportObjects : public ::testing::Test {
 protected:
  [[nodiscard]] long objects() {
    long count = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(kms_.hsm().path() / "tokens")) {
      count += file.path().extension() == ".object" ? 1 : 0;
    }
    return count;
  }
  void change_record(const std::function<void(keys::KeyRecord&)>& change) {
    kms_.stop();
    const auto store = storage::open_sqlite(kms_.config().storage.sqlite);
    keys::KeyRecord key = *store->key({kAccount, "us-east-1"}, id_);
    change(key);
    const storage::Change put = storage::Put<keys::KeyRecord>{std::move(key)};
    store->commit({&put, 1});
  }

  Harness kms_;
  const std::string id_ = kms_.create_key(external_key_of("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"));
  const Parameters with_ = parameters(kms_, id_);
  const Bytes key_ = private_key("ED25519");
};

TEST_F(ImportObjects, NothingIsLeftOfAnImportThatIsRefused) {
  const long before = objects();
  const std::string incorrect = "400 IncorrectKeyMaterialException: -";
  EXPECT_EQ(import(kms_, id_, with_, private_key("P-256")).outcome(), incorrect);
  EXPECT_EQ(objects(), before);
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  EXPECT_EQ(objects(), before + 2);
  EXPECT_EQ(import(kms_, id_, with_, private_key("ED25519")).outcome(), incorrect);
  EXPECT_EQ(objects(), before + 2);
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  EXPECT_EQ(objects(), before + 2);
  kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
  kms_.ok("DeleteImportedKeyMaterial", id_of(id_));
  EXPECT_EQ(objects(), before);
}

TEST_F(ImportObjects, AnImportThatACrashCutShortIsUndoneByTheNext) {
  change_record([](keys::KeyRecord& key) {
    key.materials.push_back(
        {.id = std::string(64, 'a'),
         .generations = {keys::Generation{
             .number = 1,
             .ref = pkcs11::ObjectMaterial{.kind = pkcs11::KeyKind::ed25519, .id = {7}}}}});
  });
  kms_.start();
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.KeyState"), "PendingImport");
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
  change_record([](const keys::KeyRecord& key) {
    ASSERT_EQ(key.materials.size(), 1U);
    EXPECT_EQ(key.materials.front().id, key.current_material);
  });
}

TEST_F(ImportObjects, ManyImportsAtOnceLeaveOneObject) {
  const long before = objects();
  for (int round = 0; round < 8; ++round) {
    std::vector<std::string> outcomes(4);
    std::vector<std::thread> threads;
    for (std::string& outcome : outcomes) {
      threads.emplace_back([&] { outcome = import(kms_, id_, with_, key_).outcome(); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(outcomes, (std::vector<std::string>{"200", "200", "200", "200"}));
    kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
    EXPECT_EQ(objects(), before + 2);
    kms_.ok("DeleteImportedKeyMaterial", id_of(id_));
    EXPECT_EQ(objects(), before);
  }
}

TEST_F(ImportObjects, AnotherImportReplacesAnObjectThatWasLost) {
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  change_record([](keys::KeyRecord& key) {
    std::get<pkcs11::ObjectMaterial>(key.materials.front().generations.front().ref).id = {7};
  });
  kms_.start();
  const std::string body = sign_body(id_, "ED25519_SHA_512", as_bytes("m"));
  ASSERT_EQ(kms_.call("Sign", body).status, 500);
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  kms_.ok("Sign", body);
}

}  // namespace
}  // namespace kms::test
