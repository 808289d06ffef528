#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/contracts/metadata_store_records.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

// What every MetadataStore promises. A back end includes this file and metadata_store_grants.h in
// one test file and instantiates MetadataStoreContract with how to open a store that keeps its data
// in a directory.
namespace kms::test {

using storage::Fault;
using storage::MetadataStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct StoreBackEnd {
  std::string name;
  std::unique_ptr<MetadataStore> (*open)(const std::filesystem::path& directory);
};

class MetadataStoreContract : public testing::TestWithParam<StoreBackEnd> {
 protected:
  void SetUp() override { open(dir_.path()); }

  void open(const std::filesystem::path& directory) {
    store_.reset();
    store_ = GetParam().open(directory);
  }
  void reopen() { open(dir_.path()); }
  MetadataStore& store() { return *store_; }

  [[nodiscard]] keys::KeyRecord key(const std::string& id) const {
    const auto found = store_->key(kHere, id);
    return found == nullptr ? keys::KeyRecord{} : *found;
  }
  template <class Pointer>
  static std::vector<std::string> names(const storage::Page<Pointer>& page) {
    std::vector<std::string> names;
    for (const Pointer& item : page.items) {
      names.emplace_back(storage_name(*item));
    }
    return names;
  }
  static const std::string& storage_name(const keys::KeyRecord& key) { return key.id; }
  static const std::string& storage_name(const keys::AliasRecord& alias) { return alias.name; }
  static const std::string& storage_name(const keys::GrantRecord& grant) { return grant.id; }

  [[nodiscard]] std::vector<std::string> lines(std::size_t limit = 1'000'000) const {
    std::vector<std::string> lines;
    for (const auto& line : store_->outbox(limit)) lines.push_back(line.line);
    return lines;
  }

  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  std::unique_ptr<MetadataStore> store_;
};

TEST_P(MetadataStoreContract, GivesNothingForWhatItDoesNotHold) {
  EXPECT_EQ(store().key(kHere, "a"), nullptr);
  EXPECT_EQ(store().alias(kHere, "alias/a"), nullptr);
  EXPECT_EQ(store().key_store(kHere, "cks-1"), nullptr);
  EXPECT_THAT(store().keys(kHere, "", 10).items, IsEmpty());
  EXPECT_FALSE(store().keys(kHere, "", 10).more);
  EXPECT_THAT(store().key_stores(nullptr), IsEmpty());
  EXPECT_THAT(store().pin_refusals("serial"), IsEmpty());
  EXPECT_THAT(store().outbox(10), IsEmpty());
  EXPECT_EQ(store().key_count(kHere), 0U);
  EXPECT_EQ(store().key_count_of_store(kHere, "cks-1"), 0U);
  commit(store(), {});
}

TEST_P(MetadataStoreContract, StoresANewRecordWithVersionOne) {
  const auto record = full_key(kHere, "a");
  commit(store(), {put(record)});
  EXPECT_EQ(key("a"), next_version(record));
  commit(store(), {put(key("a"))});
  EXPECT_EQ(key("a").version, 2U);
}

TEST_P(MetadataStoreContract, GivesEqualRecordsAfterReopening) {
  const auto key_store = full_key_store(kHere, "cks-1", "one");
  auto bare_store = full_key_store(kOtherAccount, "cks-2", "two");
  bare_store.state = api::ConnectionStateType::connected;
  bare_store.error.reset();
  auto in_store = full_key(kHere, "b");
  in_store.custom_key_store_id = "cks-1";
  auto replica = plain_key(kOtherRegion, "c");
  replica.multi_region = keys::MultiRegion{.primary_region = "us-east-1", .replica_regions = {}};
  const std::vector<keys::KeyRecord> records{full_key(kHere, "a"), in_store, replica,
                                             plain_key(kOtherAccount, "")};
  std::vector<storage::Change> changes{put(key_store), put(bare_store)};
  for (const auto& record : records) changes.push_back(put(record));
  const auto alias = alias_of(records[0], "alias/\u00E9");
  changes.push_back(put(alias));
  const keys::PinRefusalRecord refusal{.token_serial = "s", .pin_hash = {0, 255}, .failure = 5};
  changes.push_back(put(refusal));
  commit(store(), changes);

  for (int round = 0; round < 2; ++round) {
    for (const auto& record : records) {
      const auto found = store().key(record.scope, record.id);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(*found, next_version(record));
    }
    EXPECT_EQ(*store().alias(kHere, "alias/\u00E9"), next_version(alias));
    EXPECT_EQ(*store().key_store(kHere, "cks-1"), next_version(key_store));
    EXPECT_EQ(*store().key_store(kOtherAccount, "cks-2"), next_version(bare_store));
    EXPECT_THAT(store().pin_refusals("s"), ElementsAre(refusal));
    EXPECT_EQ(store().key_count(kHere), 2U);
    EXPECT_EQ(store().key_count_of_store(kHere, "cks-1"), 1U);
    reopen();
  }
}

TEST_P(MetadataStoreContract, KeepsEveryEnumerator) {
  std::vector<keys::KeyRecord> records;
  const auto add = [&records](const std::function<void(keys::KeyRecord&)>& change) {
    change(records.emplace_back(plain_key(kHere, std::to_string(records.size()))));
  };
  for (std::size_t i = 0; i < api::enum_size<api::KeySpec>; ++i) {
    add([i](auto& key) { key.spec = static_cast<api::KeySpec>(i); });
  }
  for (std::size_t i = 0; i < api::enum_size<api::KeyUsageType>; ++i) {
    add([i](auto& key) { key.usage = static_cast<api::KeyUsageType>(i); });
  }
  for (std::size_t i = 0; i < api::enum_size<api::OriginType>; ++i) {
    add([i](auto& key) { key.origin = static_cast<api::OriginType>(i); });
  }
  for (const auto state :
       {keys::StoredState::creating, keys::StoredState::enabled, keys::StoredState::disabled,
        keys::StoredState::pending_deletion, keys::StoredState::pending_replica_deletion,
        keys::StoredState::pending_import, keys::StoredState::deleting}) {
    add([state](auto& key) { key.state = state; });
  }
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(pkcs11::KeyKind::ml_dsa_87); ++i) {
    const auto kind = static_cast<pkcs11::KeyKind>(i);
    for (const pkcs11::MaterialRef& ref :
         {pkcs11::MaterialRef(pkcs11::ObjectMaterial{.kind = kind, .public_key = {i}}),
          pkcs11::MaterialRef(pkcs11::WrappedMaterial{.kind = kind, .public_key = {i, i}})}) {
      add([&ref](auto& key) {
        key.materials = {{.id = std::string(64, '0'), .generations = {{.number = 1, .ref = ref}}}};
      });
    }
  }
  for (std::size_t i = 0; i < api::enum_size<api::RotationType>; ++i) {
    add([i](auto& key) {
      key.materials = {{.id = std::string(64, '0'),
                        .rotated_in = keys::RotatedIn{.type = static_cast<api::RotationType>(i),
                                                      .time = at(1)}}};
    });
  }
  std::vector<keys::KeyStoreRecord> stores;
  for (std::size_t i = 0; i < api::enum_size<api::ConnectionErrorCodeType>; ++i) {
    const std::string name = "cks-" + std::to_string(i);
    auto& store = stores.emplace_back(full_key_store(kHere, name, name));
    store.error = static_cast<api::ConnectionErrorCodeType>(i);
    store.state =
        static_cast<api::ConnectionStateType>(i % api::enum_size<api::ConnectionStateType>);
    store.type = static_cast<api::CustomKeyStoreType>(i % api::enum_size<api::CustomKeyStoreType>);
  }
  std::vector<storage::Change> changes;
  for (const auto& record : records) changes.push_back(put(record));
  for (const auto& record : stores) changes.push_back(put(record));
  commit(store(), changes);
  reopen();
  for (const auto& record : records) EXPECT_EQ(key(record.id), next_version(record));
  for (const auto& record : stores) {
    EXPECT_EQ(*store().key_store(kHere, record.id), next_version(record));
  }
}

TEST_P(MetadataStoreContract, StoresEveryFieldOfAChangedRecord) {
  commit(store(), {put(full_key_store(kHere, "cks-1", "one")), put(plain_key(kHere, "a"))});
  commit(store(), {put(alias_of(key("a"), "alias/a")), put(plain_key(kHere, "b"))});

  auto changed = full_key(kHere, "a");
  changed.version = 1;
  changed.custom_key_store_id = "cks-1";
  auto alias = *store().alias(kHere, "alias/a");
  alias.target_key_id = "b";
  alias.updated = at(99);
  auto key_store = *store().key_store(kHere, "cks-1");
  key_store.name = "renamed";
  key_store.cluster_id = "cluster-2";
  key_store.trust_anchor = "other";
  key_store.password = {.key = {.kek = object_id(50), .blob = {}}, .iv = {}, .ciphertext = {1}};
  key_store.state = api::ConnectionStateType::connected;
  key_store.error.reset();
  commit(store(), {put(changed), put(alias), put(key_store)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a"), next_version(changed));
    EXPECT_EQ(*store().alias(kHere, "alias/a"), next_version(alias));
    EXPECT_EQ(*store().key_store(kHere, "cks-1"), next_version(key_store));
    reopen();
  }

  auto emptied = plain_key(kHere, "a");
  emptied.version = 2;
  emptied.last_use = changed.last_use;
  commit(store(), {put(emptied)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a"), next_version(emptied));
    EXPECT_EQ(store().key_count_of_store(kHere, "cks-1"), 0U);
    reopen();
  }
}

TEST_P(MetadataStoreContract, RefusesANewRecordThatExists) {
  const auto first = plain_key(kHere, "a");
  auto second = first;
  second.description = "second";
  commit(store(), {put(first)});
  EXPECT_EQ(fault_of(store(), {put(second)}), Fault::conflict);
  EXPECT_EQ(key("a"), next_version(first));
}

TEST_P(MetadataStoreContract, RefusesAStaleAnAheadAndAGoneVersion) {
  commit(store(), {put(plain_key(kHere, "a"))});
  const auto first = key("a");
  commit(store(), {put(first)});
  const auto second = key("a");
  auto ahead = second;
  ++ahead.version;
  EXPECT_EQ(fault_of(store(), {put(first)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {put(ahead)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {erase(first)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {erase(ahead)}), Fault::conflict);
  EXPECT_EQ(key("a"), second);
  commit(store(), {erase(second)});
  EXPECT_EQ(store().key(kHere, "a"), nullptr);
  EXPECT_EQ(fault_of(store(), {erase(second)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {put(second)}), Fault::conflict);
  reopen();
  EXPECT_EQ(store().key(kHere, "a"), nullptr);
}

TEST_P(MetadataStoreContract, ErasesAKeyWithAllThatIsPartOfIt) {
  commit(store(), {put(full_key(kHere, "a"))});
  commit(store(), {erase(key("a"))});
  commit(store(), {put(plain_key(kHere, "a"))});
  reopen();
  EXPECT_EQ(key("a"), next_version(plain_key(kHere, "a")));
}

TEST_P(MetadataStoreContract, MakesAllOfTheChangesOrNone) {
  commit(store(), {put(plain_key(kHere, "a"))});
  const auto before = key("a");
  auto changed = before;
  changed.description = "changed";
  EXPECT_EQ(fault_of(store(), {put(changed), put(plain_key(kHere, "b")), audit("line"),
                               put(alias_of(before, "alias/a")), put(plain_key(kHere, "a"))}),
            Fault::conflict);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a"), before);
    EXPECT_EQ(store().key(kHere, "b"), nullptr);
    EXPECT_EQ(store().alias(kHere, "alias/a"), nullptr);
    EXPECT_THAT(lines(), IsEmpty());
    EXPECT_EQ(store().key_count(kHere), 1U);
    reopen();
  }
}

TEST_P(MetadataStoreContract, MakesSeveralChangesOfOneRecordInOrder) {
  const auto record = plain_key(kHere, "a");
  auto second = next_version(record);
  second.description = "second";
  const auto alias = alias_of(record, "alias/a");
  commit(store(),
         {put(alias), put(record), put(second), erase(next_version(alias)), put(alias),
          storage::NoteLastUse{.scope = kHere,
                               .key_id = "a",
                               .use = {.operation = "Decrypt", .event_id = "e", .time = at(7)}}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a").version, 2U);
    EXPECT_EQ(key("a").description, "second");
    EXPECT_EQ(key("a").last_use.value_or(keys::LastUse{}).event_id, "e");
    EXPECT_EQ(store().alias(kHere, "alias/a")->version, 1U);
    reopen();
  }
  commit(store(), {erase(*store().alias(kHere, "alias/a")), erase(key("a")), put(record)});
  reopen();
  EXPECT_EQ(key("a"), next_version(record));
}

TEST_P(MetadataStoreContract, ReplacesARecordByANewOneOfTheSameName) {
  commit(store(), {put(full_key(kHere, "a"))});
  const auto fresh = plain_key(kHere, "a");
  commit(store(), {erase(key("a")), put(fresh)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a"), next_version(fresh));
    reopen();
  }
}

TEST_P(MetadataStoreContract, KeepsScopesApart) {
  auto other = plain_key(kOtherRegion, "a");
  other.description = "other";
  commit(store(), {put(plain_key(kHere, "a")), put(other), put(plain_key(kOtherAccount, "a"))});
  commit(store(), {put(alias_of(other, "alias/a"))});
  EXPECT_EQ(key("a").description, "");
  EXPECT_EQ(store().key(kOtherRegion, "a")->description, "other");
  EXPECT_EQ(store().alias(kHere, "alias/a"), nullptr);
  EXPECT_THAT(names(store().keys(kHere, "", 10)), ElementsAre("a"));
  EXPECT_THAT(store().aliases_of_key(kHere, "a", "", 10).items, IsEmpty());
  EXPECT_THAT(names(store().aliases_of_key(kOtherRegion, "a", "", 10)), ElementsAre("alias/a"));
  EXPECT_EQ(store().key_count(kHere), 1U);
}

TEST_P(MetadataStoreContract, PagesInOrder) {
  std::vector<storage::Change> changes;
  for (const char* const id : {"c", "a", "e", "b", "d"})
    changes.push_back(put(plain_key(kHere, id)));
  commit(store(), changes);
  for (int round = 0; round < 2; ++round) {
    const auto first = store().keys(kHere, "", 2);
    EXPECT_THAT(names(first), ElementsAre("a", "b"));
    EXPECT_TRUE(first.more);
    const auto exact = store().keys(kHere, "b", 3);
    EXPECT_THAT(names(exact), ElementsAre("c", "d", "e"));
    EXPECT_FALSE(exact.more);
    EXPECT_THAT(names(store().keys(kHere, "bb", 1)), ElementsAre("c"));
    EXPECT_THAT(names(store().keys(kHere, "e", 10)), IsEmpty());
    reopen();
  }
}

TEST_P(MetadataStoreContract, PagesUnderChangeWithoutRepeatingOrSkipping) {
  std::vector<storage::Change> changes;
  for (const char* const id : {"b", "d", "f", "h"}) changes.push_back(put(plain_key(kHere, id)));
  commit(store(), changes);
  const auto first = store().keys(kHere, "", 2);
  EXPECT_THAT(names(first), ElementsAre("b", "d"));
  // The last one seen goes, one comes before it, one after.
  commit(store(), {erase(key("d")), put(plain_key(kHere, "a")), put(plain_key(kHere, "g"))});
  EXPECT_THAT(names(store().keys(kHere, first.items.back()->id, 10)), ElementsAre("f", "g", "h"));
  EXPECT_EQ(first.items.back()->id, "d");  // what was read stays readable
}

TEST_P(MetadataStoreContract, ListsAliasesByNameAndByKey) {
  const auto a = plain_key(kHere, "a");
  const auto b = plain_key(kHere, "b");
  commit(store(), {put(a), put(b), put(alias_of(a, "alias/3")), put(alias_of(b, "alias/2")),
                   put(alias_of(a, "alias/1"))});
  EXPECT_THAT(names(store().aliases(kHere, "", 10)), ElementsAre("alias/1", "alias/2", "alias/3"));
  const auto page = store().aliases_of_key(kHere, "a", "", 1);
  EXPECT_THAT(names(page), ElementsAre("alias/1"));
  EXPECT_TRUE(page.more);
  EXPECT_THAT(names(store().aliases_of_key(kHere, "a", "alias/1", 5)), ElementsAre("alias/3"));

  auto moved = *store().alias(kHere, "alias/3");
  moved.target_key_id = "b";
  commit(store(), {put(moved)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(names(store().aliases_of_key(kHere, "a", "", 5)), ElementsAre("alias/1"));
    EXPECT_THAT(names(store().aliases_of_key(kHere, "b", "", 5)),
                ElementsAre("alias/2", "alias/3"));
    reopen();
  }
  commit(store(), {erase(*store().alias(kHere, "alias/2"))});
  EXPECT_THAT(names(store().aliases_of_key(kHere, "b", "", 5)), ElementsAre("alias/3"));
}

TEST_P(MetadataStoreContract, CountsKeysOfScopesAndKeyStores) {
  auto a = plain_key(kHere, "a");
  a.custom_key_store_id = "cks-1";
  auto b = plain_key(kHere, "b");
  b.custom_key_store_id = "cks-1";
  b.state = keys::StoredState::creating;
  commit(store(),
         {put(full_key_store(kHere, "cks-1", "one")), put(a), put(b), put(plain_key(kHere, "c"))});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store().key_count(kHere), 3U);
    EXPECT_EQ(store().key_count_of_store(kHere, "cks-1"), 2U);
    EXPECT_EQ(store().key_count_of_store(kOtherRegion, "cks-1"), 0U);
    reopen();
  }
  commit(store(), {put(key("a")), erase(key("b"))});
  EXPECT_EQ(store().key_count(kHere), 2U);
  EXPECT_EQ(store().key_count_of_store(kHere, "cks-1"), 1U);
}

TEST_P(MetadataStoreContract, FindsKeysOfEveryScopeAndLetsThePredicateRead) {
  auto due = plain_key(kOtherAccount, "b");
  due.deletion_date = at(1);
  commit(store(), {put(plain_key(kHere, "a")), put(due), put(plain_key(kOtherRegion, "c"))});
  const auto found = store().find_keys([this](const keys::KeyRecord& key) {
    commit(store(), {audit("seen")});  // not even a commit from within may hang
    return key.deletion_date.has_value() && store().key(key.scope, key.id) != nullptr;
  });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(*found[0], next_version(due));
}

TEST_P(MetadataStoreContract, ListsKeyStores) {
  commit(store(),
         {put(full_key_store(kHere, "cks-2", "two")), put(full_key_store(kHere, "cks-1", "one")),
          put(full_key_store(kOtherRegion, "cks-3", "one"))});
  const auto here = store().key_stores(&kHere);
  ASSERT_EQ(here.size(), 2U);
  EXPECT_EQ(here[0]->id, "cks-1");
  EXPECT_EQ(here[1]->id, "cks-2");
  EXPECT_EQ(store().key_stores(nullptr).size(), 3U);
}

TEST_P(MetadataStoreContract, RefusesASecondKeyStoreOfTheSameNameOrCluster) {
  commit(store(),
         {put(full_key_store(kHere, "cks-1", "one")), put(full_key_store(kHere, "cks-2", "two"))});
  auto same_name = full_key_store(kHere, "cks-3", "one");
  same_name.cluster_id = "cluster-3";
  auto same_cluster = full_key_store(kHere, "cks-3", "three");
  same_cluster.cluster_id = "cluster-one";
  auto renamed = *store().key_store(kHere, "cks-2");
  renamed.name = "one";
  for (const auto& record : {same_name, same_cluster, renamed}) {
    EXPECT_EQ(fault_of(store(), {put(record)}), Fault::conflict);
  }
  EXPECT_EQ(store().key_stores(nullptr).size(), 2U);
  EXPECT_EQ(store().key_store(kHere, "cks-2")->name, "two");

  // Clusters count only where there is one.
  auto external = full_key_store(kHere, "cks-4", "four");
  auto another = full_key_store(kHere, "cks-5", "five");
  external.cluster_id = another.cluster_id = "";
  commit(store(), {put(external), put(another)});
  EXPECT_EQ(store().key_stores(nullptr).size(), 4U);
}

TEST_P(MetadataStoreContract, KeepsReferencesWhole) {
  const auto a = plain_key(kHere, "a");
  auto in_store = plain_key(kHere, "b");
  in_store.custom_key_store_id = "cks-1";
  EXPECT_EQ(fault_of(store(), {put(alias_of(a, "alias/a"))}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {put(in_store)}), Fault::conflict);
  // Any order of changes will do.
  commit(store(), {put(alias_of(a, "alias/a")), put(in_store), put(a),
                   put(full_key_store(kHere, "cks-1", "one"))});
  EXPECT_EQ(fault_of(store(), {erase(key("a"))}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {erase(*store().key_store(kHere, "cks-1"))}), Fault::conflict);
  EXPECT_EQ(store().key_count(kHere), 2U);
  commit(store(), {erase(*store().key_store(kHere, "cks-1")), erase(key("a")), erase(key("b")),
                   erase(*store().alias(kHere, "alias/a"))});
  reopen();
  EXPECT_EQ(store().key_count(kHere), 0U);
  EXPECT_THAT(store().key_stores(nullptr), IsEmpty());
}

TEST_P(MetadataStoreContract, RemembersPinRefusals) {
  const keys::PinRefusalRecord first{.token_serial = "s", .pin_hash = {1}, .failure = 5};
  const keys::PinRefusalRecord second{.token_serial = "s", .pin_hash = {2}, .failure = 5};
  const keys::PinRefusalRecord other{.token_serial = "s2", .pin_hash = {1}, .failure = 6};
  commit(store(), {put(second), put(other), put(first)});
  auto locked = first;
  locked.failure = 6;
  commit(store(), {put(locked)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(store().pin_refusals("s"), ElementsAre(locked, second));
    EXPECT_THAT(store().pin_refusals("s2"), ElementsAre(other));
    EXPECT_THAT(store().pin_refusals(""), IsEmpty());
    reopen();
  }
  commit(store(), {erase(second), erase(second)});
  EXPECT_THAT(store().pin_refusals("s"), ElementsAre(locked));
  reopen();
  EXPECT_THAT(store().pin_refusals("s"), ElementsAre(locked));
}

TEST_P(MetadataStoreContract, KeepsOneSessionKeyARegion) {
  keys::SessionKeyRecord first;
  first.region = "us-east-1";
  first.key = {.kind = pkcs11::KeyKind::hmac_256, .kek = object_id(1), .blob = {0, 255, 7}};
  first.created = at(1'700'000'000'123);
  auto other = first;
  other.region = "eu-west-1";
  other.key.blob = {8};
  EXPECT_EQ(store().session_key("us-east-1"), nullptr);
  commit(store(), {put(first), put(other)});
  EXPECT_EQ(fault_of(store(), {put(first)}), Fault::conflict);
  first.version = other.version = 1;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(*store().session_key("us-east-1"), first);
    EXPECT_EQ(*store().session_key("eu-west-1"), other);
    EXPECT_EQ(store().session_key("us-west-1"), nullptr);
    reopen();
  }
  first.key.blob = {9};
  commit(store(), {put(first), erase(other)});
  ++first.version;
  EXPECT_EQ(fault_of(store(), {erase(other)}), Fault::conflict);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(*store().session_key("us-east-1"), first);
    EXPECT_EQ(store().session_key("eu-west-1"), nullptr);
    reopen();
  }
}

TEST_P(MetadataStoreContract, NotesTheLastUseWithoutMovingTheVersion) {
  commit(store(), {put(plain_key(kHere, "a"))});
  const auto note = [](std::string id, std::string event, std::int64_t time) {
    return storage::NoteLastUse{.scope = kHere,
                                .key_id = std::move(id),
                                .use = {.operation = "Encrypt",
                                        .event_id = std::move(event),
                                        .request_id = "request",
                                        .time = at(time)}};
  };
  const auto before = key("a");
  commit(store(), {note("a", "late", 200), note("gone", "x", 1)});
  commit(store(), {note("a", "early", 100)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a").version, 1U);
    EXPECT_EQ(
        key("a").last_use,
        (keys::LastUse{
            .operation = "Encrypt", .event_id = "late", .request_id = "request", .time = at(200)}));
    reopen();
  }
  // A record that was read before is not stale, and does not undo it.
  commit(store(), {put(before)});
  EXPECT_EQ(key("a").last_use.value_or(keys::LastUse{}).event_id, "late");
  reopen();
  EXPECT_EQ(key("a").last_use.value_or(keys::LastUse{}).event_id, "late");
}

TEST_P(MetadataStoreContract, RaisesReservationsAndNeverLowersThem) {
  commit(store(), {put(full_key(kHere, "a"))});
  const auto reserve = [](std::string id, std::uint32_t generation, std::uint64_t reserved) {
    return storage::ReserveInvocations{.scope = kHere,
                                       .key_id = std::move(id),
                                       .material_id = std::string(64, 'b'),
                                       .generation = generation,
                                       .reserved = reserved};
  };
  const auto before = key("a");
  commit(store(), {reserve("a", 0, 2'000'000)});
  commit(store(), {reserve("a", 0, 1'500'000)});
  auto expected = before;
  expected.materials[0].generations[0].reserved = 2'000'000;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a"), expected);
    reopen();
  }
  auto stale = before;
  stale.description = "read before the reservation";
  commit(store(), {put(stale)});
  reopen();
  EXPECT_EQ(key("a").materials, expected.materials);
  EXPECT_EQ(fault_of(store(), {reserve("a", 3, 1)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {reserve("gone", 0, 1)}), Fault::conflict);
}

TEST_P(MetadataStoreContract, GoesOnCountingWhenDeletedMaterialComesBack) {
  auto record = plain_key(kHere, "a");
  const keys::Generation imported{.number = 1,
                                  .ref = pkcs11::WrappedMaterial{.kek = object_id(1), .blob = {1}}};
  record.materials = {
      {.id = std::string(64, 'b'), .generations = {imported}, .imported = keys::Imported{}}};
  commit(store(), {put(record)});
  for (const std::uint64_t reserved : {5000U, 9000U}) {
    auto deleted = key("a");
    commit(store(), {storage::ReserveInvocations{.scope = kHere,
                                                 .key_id = "a",
                                                 .material_id = std::string(64, 'b'),
                                                 .generation = 1,
                                                 .reserved = reserved}});
    deleted.materials[0].generations.clear();
    commit(store(), {put(deleted)});
    reopen();
    auto again = key("a");
    ASSERT_TRUE(again.materials[0].generations.empty());
    again.materials[0].generations = {imported};
    commit(store(), {put(again)});
    reopen();
    EXPECT_EQ(key("a").materials[0].generations[0].reserved, reserved);
  }
}

TEST_P(MetadataStoreContract, HandsOutTheOutboxInOrderUntilItIsWritten) {
  commit(store(), {audit("1"), put(plain_key(kHere, "a")), audit("2")});
  commit(store(), {audit("3 \u20AC")});
  EXPECT_THAT(lines(), ElementsAre("1", "2", "3 \u20AC"));
  EXPECT_THAT(lines(2), ElementsAre("1", "2"));
  reopen();
  EXPECT_THAT(lines(), ElementsAre("1", "2", "3 \u20AC"));
  const auto all = store().outbox(10);
  EXPECT_LT(all[0].sequence, all[1].sequence);
  EXPECT_LT(all[1].sequence, all[2].sequence);
  store().outbox_written(all[1].sequence);
  store().outbox_written(all[0].sequence);
  EXPECT_THAT(lines(), ElementsAre("3 \u20AC"));
  commit(store(), {audit("4")});
  reopen();
  EXPECT_THAT(lines(), ElementsAre("3 \u20AC", "4"));
}

TEST_P(MetadataStoreContract, NeverUsesASequenceNumberTwice) {
  commit(store(), {audit("1")});
  const auto first = store().outbox(1).at(0).sequence;
  store().outbox_written(first);
  EXPECT_THAT(lines(), IsEmpty());
  reopen();
  EXPECT_THAT(lines(), IsEmpty());
  commit(store(), {audit("2")});
  EXPECT_GT(store().outbox(1).at(0).sequence, first);
}

/// Counts up the description of both keys in one commit, again after a conflict.
inline void count_up(MetadataStore& store, const std::string& a, const std::string& b) {
  for (;;) {
    auto first = *store.key(kHere, a);
    auto second = *store.key(kHere, b);
    const std::string next = std::to_string(std::stoul(first.description) + 1);
    first.description = next;
    second.description = next;
    try {
      commit(store, {put(first), audit(a + " " + next), put(second)});
      return;
    } catch (const storage::Error& e) {
      if (e.fault() != Fault::conflict) throw;
    }
  }
}

inline void make_counter(MetadataStore& store, const std::string& a, const std::string& b) {
  std::vector<storage::Change> changes;
  for (const std::string& id : {a, b}) {
    if (store.key(kHere, id) != nullptr) continue;
    auto key = full_key(kHere, id);
    key.description = "0";
    changes.push_back(put(key));
  }
  commit(store, changes);
}

TEST_P(MetadataStoreContract, LosesNoUpdateOfManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 25;
  make_counter(store(), "a", "b");
  std::atomic<bool> over{false};
  std::atomic<bool> backwards{false};
  std::thread reader([this, &over, &backwards] {
    std::uint64_t version = 0;
    while (!over) {
      const auto now = store().key(kHere, "a")->version;
      if (now < version || store().keys(kHere, "", 10).items.size() != 2) backwards = true;
      version = now;
    }
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < kRounds; ++round) count_up(store(), "a", "b");
    });
  }
  for (std::thread& thread : threads) thread.join();
  over = true;
  reader.join();
  EXPECT_FALSE(backwards);
  std::vector<std::string> expected;
  for (int i = 1; i <= kThreads * kRounds; ++i) expected.push_back("a " + std::to_string(i));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("a").description, std::to_string(kThreads * kRounds));
    EXPECT_EQ(key("b").description, std::to_string(kThreads * kRounds));
    EXPECT_EQ(key("a").version, 1U + kThreads * kRounds);
    EXPECT_EQ(lines(), expected);
    reopen();
  }
}

TEST_P(MetadataStoreContract, LetsExactlyOneOfManyThreadsMakeARecord) {
  std::atomic<int> made{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i, &made, &refused] {
      auto contested = plain_key(kHere, "contested");
      contested.description = std::to_string(i);
      const auto own = plain_key(kHere, "own-" + std::to_string(i));
      const auto fault = fault_of(store(), {put(contested), put(own)});
      ++(fault == Fault::conflict ? refused : made);
      commit(store(), {put(plain_key(kHere, "free-" + std::to_string(i)))});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 7);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store().key_count(kHere), 10U);
    EXPECT_NE(store().key(kHere, "own-" + key("contested").description), nullptr);
    reopen();
  }
}

TEST_P(MetadataStoreContract, LeavesNothingOfARefusedCommitBesideOthers) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20;
  std::atomic<int> conflicts{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i, &conflicts] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string name = std::to_string(i) + "-" + std::to_string(round);
        commit(store(), {put(plain_key(kHere, "whole-" + name)), audit("whole")});
        // Only the alias of a key that is not there is at fault, and it is the last to be written.
        const auto fault = fault_of(store(), {put(full_key(kHere, "half-" + name)), audit("half"),
                                              put(alias_of(plain_key(kHere, "gone"), "alias/x"))});
        if (fault == Fault::conflict) ++conflicts;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(conflicts, kThreads * kRounds);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(names(store().keys(kHere, "half-", 1)),
                testing::Each(testing::StartsWith("whole-")));
    EXPECT_EQ(store().key_count(kHere), static_cast<std::size_t>(kThreads * kRounds));
    EXPECT_EQ(lines(), std::vector<std::string>(kThreads * kRounds, "whole"));
    reopen();
  }
}

constexpr int kCrashThreads = 4;
constexpr const char* kCrashDirectory = "KMS_STORE_CONTRACT_DIRECTORY";

inline std::pair<std::string, std::string> counter_of(int thread) {
  return {"a" + std::to_string(thread), "b" + std::to_string(thread)};
}

/// Not a test: the process that SurvivesBeingKilled starts and kills. Says "THREAD COUNT" for each
/// commit that returned.
TEST_P(MetadataStoreContract, DISABLED_CommitsUntilKilled) {
  const char* const directory = std::getenv(kCrashDirectory);
  ASSERT_NE(directory, nullptr);
  open(directory);
  std::vector<std::thread> threads;
  for (int i = 0; i < kCrashThreads; ++i) {
    threads.emplace_back([this, i] {
      const auto [a, b] = counter_of(i);
      make_counter(store(), a, b);
      for (;;) {
        count_up(store(), a, b);
        const std::string said =
            "ack " + std::to_string(i) + " " + store().key(kHere, a)->description + "\n";
        if (::write(STDOUT_FILENO, said.data(), said.size()) < 0) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(MetadataStoreContract, SurvivesBeingKilled) {
  const TempDir directory;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string child =
      std::string("*/MetadataStoreContract.DISABLED_CommitsUntilKilled/") + GetParam().name;
  for (int round = 0; round < 8; ++round) {
    Process process(
        {.arguments = {self, "--gtest_also_run_disabled_tests", "--gtest_filter=" + child},
         // What it leaves behind goes with our directory.
         .environment = {{kCrashDirectory, directory.path().string()},
                         {"TMPDIR", directory.path().string()}}});
    auto left = std::uniform_int_distribution<int>(1, 120)(random);
    const auto is_ack = [](std::string_view line) { return line.starts_with("ack "); };
    ASSERT_TRUE(
        process.wait_for_line([&](std::string_view line) { return is_ack(line) && --left <= 0; },
                              std::chrono::seconds(60)))
        << process.output() << process.error_output();
    process.kill();
    process.wait_for_line([](std::string_view) { return false; }, std::chrono::seconds(60));
    std::array<unsigned long, kCrashThreads> acknowledged{};
    std::istringstream output(process.output());
    for (std::string line; std::getline(output, line);) {
      std::istringstream words(line);
      std::string word;
      std::size_t thread = 0;
      unsigned long count = 0;
      if (words >> word >> thread >> count && word == "ack") acknowledged.at(thread) = count;
    }

    open(directory.path());
    std::array<unsigned long, kCrashThreads> logged{};
    for (const std::string& line : lines()) {
      const auto thread = static_cast<std::size_t>(line.at(1) - '0');
      ASSERT_EQ(line, counter_of(static_cast<int>(thread)).first + " " +
                          std::to_string(++logged.at(thread)));
    }
    for (std::size_t i = 0; i < acknowledged.size(); ++i) {
      const auto [a, b] = counter_of(static_cast<int>(i));
      if (store().key(kHere, a) == nullptr) {  // killed before this thread began
        EXPECT_EQ(acknowledged.at(i), 0U);
        continue;
      }
      const auto stored = std::stoul(key(a).description);
      EXPECT_EQ(key(a).description, key(b).description);
      EXPECT_EQ(key(a).version, stored + 1);
      EXPECT_EQ(logged.at(i), stored);
      EXPECT_GE(stored, acknowledged.at(i));
      EXPECT_LE(stored, acknowledged.at(i) + 1 + (acknowledged.at(i) == 0 ? stored : 0));
    }
    reopen();  // lets the directory go
  }
}

}  // namespace kms::test
