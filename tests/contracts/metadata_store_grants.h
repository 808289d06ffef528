#pragma once

#include "tests/contracts/metadata_store_contract.h"

// What every MetadataStore promises of grants.
namespace kms::test {

inline std::vector<std::string> ids(const std::vector<keys::GrantPtr>& grants) {
  std::vector<std::string> ids;
  for (const auto& grant : grants) ids.push_back(grant->id);
  return ids;
}

TEST_P(MetadataStoreContract, KeepsEveryFieldOfAGrant) {
  const auto a = plain_key(kHere, "a");
  const auto plain = plain_grant(a, "1", "alice");
  const auto full = full_grant(a, "2", "");
  commit(store(), {put(plain), put(a), put(full)});
  auto changed = next_version(plain);
  changed.operations = {api::GrantOperation::verify_mac, api::GrantOperation::create_grant};
  changed.constraints.encryption_context_equals = api::StringMap{{"k", ""}};
  commit(store(), {put(changed)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(*store().grant(kHere, "a", "1"), next_version(changed));
    EXPECT_EQ(*store().grant(kHere, "a", "2"), next_version(full));
    reopen();
  }
}

TEST_P(MetadataStoreContract, FindsGrantsByKeyGranteeNameAndRetiringPrincipal) {
  const auto a = plain_key(kHere, "a");
  const auto b = plain_key(kHere, "b");
  const auto elsewhere = plain_key(kOtherRegion, "a");
  const auto grant = [](const keys::KeyRecord& key, std::string id, std::string grantee,
                        std::string name, std::string retirer) {
    auto record = plain_grant(key, std::move(id), std::move(grantee));
    record.name = std::move(name);
    record.retiring_principal = std::move(retirer);
    return record;
  };
  EXPECT_EQ(store().grant(kHere, "a", "1"), nullptr);
  EXPECT_EQ(store().grant_count(kHere, "a"), 0U);
  commit(store(), {put(a), put(b), put(elsewhere), put(grant(a, "3", "alice", "x", "rita")),
                   put(grant(a, "1", "alice", "x", "")), put(grant(a, "2", "bob", "x", "rita")),
                   put(grant(a, "4", "alice", "y", "rob")), put(grant(b, "0", "alice", "", "rita")),
                   put(grant(elsewhere, "1", "alice", "x", "rita"))});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store().grant(kHere, "b", "1"), nullptr);
    EXPECT_EQ(store().grant(kHere, "a", "2")->grantee_principal, "bob");
    EXPECT_EQ(store().grant_count(kHere, "a"), 4U);
    EXPECT_EQ(store().grant_count(kHere, "b"), 1U);
    EXPECT_EQ(store().grant_count(kOtherRegion, "a"), 1U);
    EXPECT_EQ(store().grant_count(kOtherAccount, "a"), 0U);

    const auto first = store().grants_of_key(kHere, "a", "", 3);
    EXPECT_THAT(names(first), ElementsAre("1", "2", "3"));
    EXPECT_TRUE(first.more);
    const auto rest = store().grants_of_key(kHere, "a", "3", 3);
    EXPECT_THAT(names(rest), ElementsAre("4"));
    EXPECT_FALSE(rest.more);
    EXPECT_THAT(names(store().grants_of_key(kHere, "b", "", 3)), ElementsAre("0"));

    EXPECT_THAT(ids(store().grants_to(kHere, "a", "alice")), ElementsAre("1", "3", "4"));
    EXPECT_THAT(ids(store().grants_to(kHere, "a", "ali")), IsEmpty());
    EXPECT_THAT(ids(store().grants_to(kHere, "b", "bob")), IsEmpty());
    const auto not_the_first = [](const keys::GrantRecord& one) { return one.id != "1"; };
    EXPECT_EQ(store().find_grant_to(kHere, "a", "alice", not_the_first)->id, "3");
    EXPECT_EQ(store().find_grant_to(kHere, "b", "bob", not_the_first), nullptr);
    EXPECT_THAT(ids(store().grants_named(kHere, "a", "alice", "x")), ElementsAre("1", "3"));
    EXPECT_THAT(ids(store().grants_named(kHere, "b", "alice", "")), ElementsAre("0"));
    EXPECT_THAT(ids(store().grants_named(kHere, "a", "alice", "")), IsEmpty());

    const auto retirable = store().grants_retirable_by(kHere, "rita", "", 2);
    EXPECT_THAT(names(retirable), ElementsAre("0", "2"));
    EXPECT_TRUE(retirable.more);
    EXPECT_THAT(names(store().grants_retirable_by(kHere, "rita", "2", 2)), ElementsAre("3"));
    EXPECT_THAT(names(store().grants_retirable_by(kHere, "rita", "25", 2)), ElementsAre("3"));
    EXPECT_THAT(store().grants_retirable_by(kHere, "", "", 2).items, IsEmpty());
    reopen();
  }

  auto moved = *store().grant(kHere, "a", "3");
  moved.grantee_principal = "bob";
  moved.retiring_principal = "rob";
  commit(store(), {put(moved), erase(*store().grant(kHere, "a", "1"))});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store().grant(kHere, "a", "1"), nullptr);
    EXPECT_THAT(ids(store().grants_to(kHere, "a", "alice")), ElementsAre("4"));
    EXPECT_THAT(ids(store().grants_to(kHere, "a", "bob")), ElementsAre("2", "3"));
    EXPECT_THAT(names(store().grants_retirable_by(kHere, "rob", "", 9)), ElementsAre("3", "4"));
    EXPECT_EQ(store().grant_count(kHere, "a"), 3U);
    reopen();
  }
}

TEST_P(MetadataStoreContract, LeavesAKeyAsItIsWhenItsGrantsChange) {
  commit(store(), {put(full_key(kHere, "a"))});
  const auto before = store().key(kHere, "a");
  commit(store(), {put(plain_grant(*before, "1", "alice"))});
  EXPECT_EQ(store().key(kHere, "a"), before);
  commit(store(), {erase(*store().grant(kHere, "a", "1"))});
  EXPECT_EQ(store().key(kHere, "a"), before);
  commit(store(), {put(*before)});
  EXPECT_EQ(key("a").version, 2U);
}

TEST_P(MetadataStoreContract, RefusesAGrantThatExistsOrMovedOnOrHasNoKey) {
  const auto a = plain_key(kHere, "a");
  const auto grant = plain_grant(a, "1", "alice");
  EXPECT_EQ(fault_of(store(), {put(grant)}), Fault::conflict);
  commit(store(), {put(a), put(grant)});
  EXPECT_EQ(fault_of(store(), {put(grant)}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {erase(next_version(next_version(grant)))}), Fault::conflict);
  EXPECT_EQ(fault_of(store(), {erase(key("a")), put(plain_grant(a, "2", "alice"))}),
            Fault::conflict);
  EXPECT_EQ(fault_of(store(), {put(plain_grant(a, "2", "alice")), erase(key("a"))}),
            Fault::conflict);
  EXPECT_EQ(store().grant_count(kHere, "a"), 1U);
  commit(store(), {erase(next_version(grant))});
  EXPECT_EQ(fault_of(store(), {erase(next_version(grant))}), Fault::conflict);
  reopen();
  EXPECT_EQ(store().grant_count(kHere, "a"), 0U);
}

TEST_P(MetadataStoreContract, RefusesASecondGrantOfTheSameNameAndParameters) {
  const auto a = plain_key(kHere, "a");
  const auto b = plain_key(kHere, "b");
  const auto first = full_grant(a, "1", "alice");
  commit(store(), {put(a), put(b), put(first), put(plain_grant(a, "u1", "alice"))});
  auto second = full_grant(a, "2", "alice");
  second.created = at(99);
  second.token_key = Bytes(32, 8);
  EXPECT_EQ(fault_of(store(), {put(second)}), Fault::conflict);
  for (const auto& change : std::vector<std::function<void(keys::GrantRecord&)>>{
           [](auto& grant) { grant.name = "other"; },
           [](auto& grant) { grant.operations.pop_back(); },
           [](auto& grant) { grant.constraints.encryption_context_equals.reset(); },
           [](auto& grant) { grant.retiring_principal = "other"; },
           [](auto& grant) { grant.issuing_account = "other"; },
           [](auto& grant) { grant.parent = ""; }}) {
    auto other = second;
    other.id += std::to_string(store().grant_count(kHere, "a"));
    change(other);
    commit(store(), {put(other)});
  }
  commit(store(), {put(full_grant(a, "2", "bob")), put(full_grant(b, "2", "alice")),
                   put(plain_grant(a, "u2", "alice"))});
  EXPECT_EQ(store().grant_count(kHere, "a"), 10U);
  second.id = "3";
  commit(store(), {erase(next_version(first)), put(second)});
}

TEST_P(MetadataStoreContract, ErasesTheGrantsOfAKeyWithIt) {
  const auto a = plain_key(kHere, "a");
  const auto b = plain_key(kHere, "b");
  commit(store(), {put(a), put(b), put(full_grant(a, "1", "alice")), put(full_grant(a, "2", "bob")),
                   put(full_grant(b, "1", "alice"))});
  commit(store(), {erase(*store().grant(kHere, "a", "2")), erase(key("a"))});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store().grant(kHere, "a", "1"), nullptr);
    EXPECT_THAT(store().grants_of_key(kHere, "a", "", 9).items, IsEmpty());
    EXPECT_THAT(store().grants_to(kHere, "a", "alice"), IsEmpty());
    EXPECT_EQ(store().grant_count(kHere, "a"), 0U);
    EXPECT_THAT(names(store().grants_retirable_by(kHere, "retirer", "", 9)), ElementsAre("1"));
    EXPECT_EQ(store().grant_count(kHere, "b"), 1U);
    reopen();
  }
  // A new key of the same name begins without.
  const auto new_b = plain_grant(b, "new", "alice");
  commit(store(), {erase(key("b")), put(b), put(new_b)});
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(names(store().grants_of_key(kHere, "b", "", 9)), ElementsAre("new"));
    reopen();
  }
}

TEST_P(MetadataStoreContract, ErasesGrantsThatOtherThreadsMakeMeanwhileOrRefusesThem) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const auto victim = plain_key(kHere, "victim");
    commit(store(), {put(victim)});
    std::atomic<int> made{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this, &victim, &made, i] {
        for (int n = 0; n < 5; ++n) {
          const auto id = std::to_string(i) + "-" + std::to_string(n);
          if (!fault_of(store(), {put(plain_grant(victim, id, "alice"))})) ++made;
        }
      });
    }
    commit(store(), {erase(next_version(victim))});
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(made, 20);
    EXPECT_EQ(store().grant_count(kHere, "victim"), 0U);
    EXPECT_THAT(store().grants_to(kHere, "victim", "alice"), IsEmpty());
  }
  reopen();
  EXPECT_EQ(store().grant_count(kHere, "victim"), 0U);
}

}  // namespace kms::test
