#include <algorithm>
#include <set>
#include <thread>
#include <variant>

#include "connector/base/encodings.h"
#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

class Reconcile : public KeyStoresTest {
 protected:
  Reconcile() {
    id_ = create();
    EXPECT_EQ(connected(id_), "CONNECTED");
  }
  std::vector<std::string> lines() { return stores().reconcile({}, soon()).lines; }
  /// A record in state Creating, with its reserved object.
  keys::KeyRecord begin_creation() {
    keys::KeyRecord key;
    key.scope = kHere;
    key.id = make_uuid(random_);
    key.created = clock_.now();
    key.custom_key_store_id = id_;
    key.current_material = make_hex_id(random_, 32);
    const auto reserved = stores().custom(kHere, id_)->reserve(pkcs11::KeyKind::aes_256, soon());
    key.materials = {{.id = key.current_material,
                      .created = key.created,
                      .generations = {{.number = 1, .ref = *reserved}}}};
    const storage::Change put = storage::Put<keys::KeyRecord>{key};
    db().commit({&put, 1});
    ++key.version;
    return key;
  }
  void make_object(const keys::KeyRecord& key) {
    (void)stores()
        .custom(kHere, id_)
        ->make(pkcs11::KeyKind::aes_256, key.materials[0].generations[0].ref, key.arn(), soon());
  }
  static std::string object_of(const keys::KeyRecord& key) {
    return to_hex(std::get<pkcs11::ObjectMaterial>(key.materials[0].generations[0].ref).id);
  }
  /// A later run of the daemon.
  void later() {
    clock_.advance(std::chrono::seconds{1});
    restart();
    EXPECT_TRUE(reaches(id_, "CONNECTED"));
  }
  std::string id_;
};

TEST_F(Reconcile, HasNothingToSayOfWhatIsInOrder) {
  (void)make_key();
  (void)make_key(id_);
  EXPECT_TRUE(lines().empty());
  later();
  EXPECT_TRUE(lines().empty());
}

class DropUnfinished : public Reconcile {
 protected:
  std::vector<std::string> lines() {
    std::vector<std::string> told = stores().drop_unfinished(soon());
    std::ranges::sort(told);
    return told;
  }
  /// What is told as soon as there is something to tell.
  std::vector<std::string> next_lines() {
    const auto until = soon();
    std::vector<std::string> told;
    while (told.empty() && std::chrono::steady_clock::now() < until) told = lines();
    return told;
  }
  static std::vector<std::string> removal(std::vector<std::string> arns) {
    for (std::string& arn : arns) {
      arn = "key " + arn + " was never created to the end and is removed";
    }
    std::ranges::sort(arns);
    return arns;
  }
};

TEST_F(DropUnfinished, RemovesTheKeysThatAnEarlierRunLeft) {
  const keys::KeyRecord with_object = begin_creation();
  make_object(with_object);
  const keys::KeyRecord without_object = begin_creation();
  later();
  EXPECT_EQ(lines(), removal({with_object.arn(), without_object.arn()}));
  EXPECT_EQ(db().key_count_of_store(kHere, id_), 0U);
  EXPECT_TRUE(lines().empty());
  EXPECT_TRUE(Reconcile::lines().empty());
}

TEST_F(DropUnfinished, RemovesWhatAnOutageLeft) {
  const keys::KeyRecord key = begin_creation();
  make_object(key);
  proxy().absent_until_restored(kCluster);
  clock_.advance(config_.limits.key_generation_deadline + std::chrono::minutes{2});
  EXPECT_TRUE(lines().empty());
  EXPECT_TRUE(db().key(kHere, key.id));
  proxy().restore();
  EXPECT_EQ(next_lines(), removal({key.arn()}));
  EXPECT_TRUE(Reconcile::lines().empty());
  EXPECT_EQ(disconnected(id_), "DISCONNECTED");
  EXPECT_EQ(remove(id_), "OK");
}

TEST_F(DropUnfinished, LeavesAKeyAloneThatIsBeingCreated) {
  const keys::KeyRecord key = begin_creation();
  make_object(key);
  clock_.advance(config_.limits.key_generation_deadline);
  EXPECT_TRUE(lines().empty());
  EXPECT_TRUE(Reconcile::lines().empty());
  EXPECT_TRUE(db().key(kHere, key.id));
}

TEST_F(DropUnfinished, DropsTheMaterialThatNoRequestCanBeAtAnyMore) {
  const keys::KeyPtr before = make_key(id_);
  const auto store = stores().custom(kHere, id_);
  keys::KeyRecord key = *before;
  for (const char digit : {'a', 'b'}) {
    const auto reserved = store->reserve(pkcs11::KeyKind::aes_256, soon());
    (void)store->make(pkcs11::KeyKind::aes_256, reserved, key.arn(), soon());
    key.materials.push_back({.id = std::string(64, digit),
                             .created = clock_.now(),
                             .generations = {{.number = 1, .ref = *reserved}}});
  }
  const std::vector<keys::Material> unfinished{key.materials[1], key.materials[2]};
  const storage::Change put = storage::Put<keys::KeyRecord>{key};
  db().commit({&put, 1});
  clock_.advance(config_.limits.key_generation_deadline);
  EXPECT_EQ(lines(), std::vector<std::string>{});
  EXPECT_EQ(fresh(before)->materials, key.materials);

  clock_.advance(std::chrono::minutes{2});
  proxy().fail("C_DestroyObject", 0x1B /* CKR_ACTION_PROHIBITED */);
  EXPECT_EQ(lines(), std::vector<std::string>{});
  const keys::KeyPtr refused = fresh(before);
  EXPECT_EQ(refused->materials, key.materials);
  // A token that refuses is not asked again in every round.
  EXPECT_EQ(lines(), std::vector<std::string>{});
  EXPECT_EQ(fresh(before)->version, refused->version);
  EXPECT_EQ(next_lines(),
            std::vector<std::string>{"unused objects of key " + key.arn() + " are destroyed"});
  EXPECT_EQ(fresh(before)->materials, before->materials);
  EXPECT_EQ(Reconcile::lines(), std::vector<std::string>{});
  for (const keys::Material& material : unfinished) {
    EXPECT_FALSE(store->holds(material.generations.front().ref, soon()));
  }
  EXPECT_TRUE(store->holds(before->materials.front().generations.front().ref, soon()));
}

TEST_F(Reconcile, ReportsAnObjectThatNoRecordExplainsAndLeavesIt) {
  const keys::KeyPtr key = make_key(id_);
  const storage::Change erase = storage::Erase<keys::KeyRecord>{*key};
  db().commit({&erase, 1});
  const std::vector<std::string> expected{"object " + object_of(*key) + " (\"" + key->arn() +
                                          "\") in the token of custom key store " + id_ +
                                          " belongs to no key"};
  EXPECT_EQ(lines(), expected);
  EXPECT_EQ(lines(), expected);
}

TEST_F(Reconcile, ReportsAMissingObjectAndLeavesTheRecord) {
  const keys::KeyPtr key = make_key(id_);
  hsm_.destroy_secret_key(kCluster, kPassword, object_of(*key));
  const std::vector<std::string> expected{"object " + object_of(*key) + " of key " + key->arn() +
                                          " (generation 1) is missing in the token of custom key "
                                          "store " +
                                          id_};
  EXPECT_EQ(lines(), expected);
  EXPECT_EQ(*fresh(key), *key);
}

TEST_F(Reconcile, ReportsTheKeysOfATokenThatWasReplaced) {
  const keys::KeyPtr key = make_key();
  (void)make_key();
  EXPECT_EQ(stores().reconcile({}, soon()).losses, std::vector<std::string>{});
  stop();
  hsm_.delete_token("us-east-1");
  hsm_.add_token("us-east-1");
  start();
  const auto& ref = key->materials[0].generations[0].ref;
  const std::vector<std::string> expected{"key-encryption key " +
                                          to_hex(std::get<pkcs11::WrappedMaterial>(ref).kek) +
                                          " of 2 keys is missing in the token of us-east-1"};
  EXPECT_EQ(stores().reconcile({}, soon()).losses, expected);
}

TEST_F(Reconcile, ConcludesNothingFromATokenThatIsNotThere) {
  const keys::KeyPtr key = make_key(id_);
  proxy().absent_until_restored(kCluster);
  EXPECT_TRUE(lines().empty());
  EXPECT_TRUE(fresh(key));
}

TEST_F(Reconcile, LooksAtEachTokenWhenItIsThere) {
  using Names = std::vector<std::string>;
  proxy().absent_until_restored(kCluster);
  EXPECT_EQ(stores().reconcile({}, soon()).tokens, (Names{"eu-west-1", "us-east-1"}));
  const std::set<std::string> done{"eu-west-1", "us-east-1"};
  EXPECT_EQ(stores().reconcile(done, soon()).tokens, Names{});
  proxy().restore();
  // status() tells a token that was found sick to recover.
  const auto until = soon();
  while (!std::ranges::all_of(stores().status(), &keystores::TokenStatus::ready) &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(stores().reconcile(done, soon()).tokens, Names{id_});
}

TEST_F(Reconcile, LeavesDecidedDeletionsToTheirJob) {
  keys::KeyRecord key = *make_key(id_);
  key.state = keys::StoredState::deleting;
  const storage::Change put = storage::Put<keys::KeyRecord>{key};
  db().commit({&put, 1});
  later();
  EXPECT_TRUE(lines().empty());
  EXPECT_TRUE(db().key(kHere, key.id));
}

}  // namespace
}  // namespace kms::test
