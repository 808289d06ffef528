#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "connector/storage/open_store.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/eventually.h"
#include "tests/support/service/imports.h"

namespace kms::test {
namespace {

// SoftHSM 2.6.1 cannot wrap Ed25519 keys: what is imported becomes token objects.
class ImportObjects : public ::testing::Test {
 protected:
  ImportObjects() {
    proxy().reset();
    kms_.stop();
    for (config::Region& region : kms_.config().regions) {
      region.token.module = SoftHsm::proxy_path();
    }
    kms_.start();
  }
  ~ImportObjects() override {
    proxy().reset();
    kms_.stop();
  }
  ImportObjects(const ImportObjects&) = delete;
  ImportObjects& operator=(const ImportObjects&) = delete;
  ImportObjects(ImportObjects&&) = delete;
  ImportObjects& operator=(ImportObjects&&) = delete;

  static pkcs11_proxy::Control& proxy() { return pkcs11_proxy::control(SoftHsm::proxy_path()); }
  [[nodiscard]] long objects() { return kms_.hsm().objects(); }
  void change_record(const std::function<void(keys::KeyRecord&)>& change) {
    kms_.stop();
    const auto store = storage::open_sqlite(kms_.config().storage.sqlite);
    keys::KeyRecord key = *store->key({kAccount, "us-east-1"}, id_);
    change(key);
    const storage::Change put = storage::Put<keys::KeyRecord>{std::move(key)};
    store->commit({&put, 1});
  }

  /// How many the record has, with those that are unfinished.
  [[nodiscard]] std::size_t materials() {
    return storage::open_sqlite_snapshot(kms_.config().storage.sqlite)
        ->key({kAccount, "us-east-1"}, id_)
        ->materials.size();
  }
  /// A symmetric key with material, which is wrapped.
  std::string wrapped_key(const std::string& more = kForever) {
    const std::string id = kms_.create_key(R"({"Origin":"EXTERNAL"})");
    EXPECT_EQ(import(kms_, id, parameters(kms_, id), random_bytes(32), more).outcome(), "200");
    return id;
  }
  /// Starts again without the token of the Region.
  void begin_without_token(std::chrono::hours clock_offset = {}) {
    kms_.stop();
    kms_.config().clock_offset = clock_offset;
    proxy().absent_until_restored("us-east-1");
    kms_.begin();
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

TEST_F(ImportObjects, AnImportThatACrashCutShortIsUndone) {
  change_record([](keys::KeyRecord& key) {
    key.materials.push_back(
        {.id = std::string(64, 'a'),
         .generations = {keys::Generation{
             .number = 1,
             .ref = pkcs11::ObjectMaterial{.kind = pkcs11::KeyKind::ed25519, .id = {7}}}}});
  });
  kms_.start();
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.KeyState"), "PendingImport");
  ASSERT_TRUE(eventually([&] { return materials() == 0; }));
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

TEST_F(ImportObjects, AnotherImportLeavesAnObjectThatIsInUse) {
  const long before = objects();
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  std::atomic<bool> ended = false;
  std::set<std::string> outcomes;
  std::thread signer([&] {
    const std::string body = sign_body(id_, "ED25519_SHA_512", as_bytes("m"));
    while (!ended) outcomes.insert(kms_.call("Sign", body).outcome());
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  ended = true;
  signer.join();
  EXPECT_EQ(outcomes, std::set<std::string>{"200"});
  EXPECT_EQ(objects(), before + 2);
}

TEST_F(ImportObjects, DeletedMaterialGoesAsSoonAsTheTokenLetsIt) {
  const long before = objects();
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  proxy().fail("C_DestroyObject", 0x1B /* CKR_ACTION_PROHIBITED */, 0, pkcs11_proxy::kForever);
  kms_.ok("DeleteImportedKeyMaterial", id_of(id_));
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.KeyState"), "PendingImport");
  EXPECT_EQ(objects(), before + 2);
  kms_.stop();
  proxy().reset();
  kms_.start();
  EXPECT_TRUE(eventually([&] { return objects() == before; }));
  EXPECT_TRUE(eventually([&] { return materials() == 1; }));
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
}

TEST_F(ImportObjects, WhatADeletionLeftHindersNoImport) {
  const long before = objects();
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  proxy().fail("C_DestroyObject", 0x1B /* CKR_ACTION_PROHIBITED */);
  kms_.ok("DeleteImportedKeyMaterial", id_of(id_));
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  EXPECT_EQ(describe(kms_, id_).at("KeyMetadata.KeyState"), "Enabled");
  EXPECT_EQ(objects(), before + 4);
  kms_.restart();
  EXPECT_TRUE(eventually([&] { return objects() == before + 2; }));
  kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
}

TEST_F(ImportObjects, AnImportThatCannotBeUndoneIsUndoneLater) {
  const long before = objects();
  ASSERT_EQ(import(kms_, id_, with_, key_).outcome(), "200");
  proxy().fail("C_DestroyObject", 0x1B /* CKR_ACTION_PROHIBITED */, 0, pkcs11_proxy::kForever);
  EXPECT_EQ(import(kms_, id_, with_, private_key("ED25519")).outcome(),
            "400 IncorrectKeyMaterialException: -");
  EXPECT_EQ(objects(), before + 4);
  kms_.stop();
  proxy().reset();
  kms_.start();
  EXPECT_TRUE(eventually([&] { return objects() == before + 2; }));
  kms_.ok("Sign", sign_body(id_, "ED25519_SHA_512", as_bytes("m")));
}

TEST_F(ImportObjects, WrappedMaterialIsDeletedWithoutItsToken) {
  const std::string key = wrapped_key();
  begin_without_token();
  EXPECT_EQ(kms_.call("DeleteImportedKeyMaterial", id_of(key)).outcome(), "200");
  EXPECT_EQ(describe(kms_, key).at("KeyMetadata.KeyState"), "PendingImport");
}

TEST_F(ImportObjects, MaterialExpiresWithoutItsToken) {
  const auto until = std::chrono::duration_cast<std::chrono::seconds>(
      (Harness::now() + std::chrono::hours(48)).time_since_epoch());
  const std::string valid_to = ",\"ValidTo\":" + std::to_string(until.count());
  const std::string wrapped = wrapped_key(valid_to);
  const long before = objects();
  ASSERT_EQ(import(kms_, id_, with_, key_, valid_to).outcome(), "200");
  begin_without_token(std::chrono::hours(49));
  for (const std::string& key : {wrapped, id_}) {
    EXPECT_TRUE(eventually(
        [&] { return describe(kms_, key).at("KeyMetadata.KeyState") == "PendingImport"; }));
  }
  EXPECT_EQ(objects(), before + 2);
  proxy().restore();
  kms_.restart();
  EXPECT_TRUE(eventually([&] { return objects() == before; }));
}

}  // namespace
}  // namespace kms::test
