#include <gtest/gtest.h>

#include "pkcs11/key_cache.h"
#include "pkcs11/material_cache.h"
#include "pkcs11/refused_pins.h"

namespace pkcs11 {
namespace {

WrappedMaterial material(std::uint8_t n) { return {KeyKind::aes_256, ObjectId{1}, Bytes(40, n)}; }

TEST(MaterialCache, EvictsWhatWasUsedLongestAgo) {
  MaterialCache cache(2);
  cache.put(material(1), 11);
  cache.put(material(2), 12);
  EXPECT_EQ(cache.find(material(1))->handle(), 11U);
  cache.put(material(3), 13);
  EXPECT_EQ(cache.find(material(2)), nullptr);
  EXPECT_EQ(cache.find(material(1))->handle(), 11U);
  EXPECT_EQ(cache.find(material(3))->handle(), 13U);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.take_evicted(), std::vector<CK_OBJECT_HANDLE>{12});
  EXPECT_TRUE(cache.take_evicted().empty());
}

TEST(MaterialCache, AnEvictedKeyInUseIsLeftAlone) {
  MaterialCache cache(1);
  MaterialCache::Ref used = cache.put(material(1), 11);
  cache.put(material(2), 12);
  EXPECT_TRUE(cache.take_evicted().empty());
  used.reset();
  EXPECT_EQ(cache.take_evicted(), std::vector<CK_OBJECT_HANDLE>{11});
}

TEST(MaterialCache, ALostHandleIsNeverToBeDestroyed) {
  MaterialCache cache(4);
  const MaterialCache::Ref lost = cache.put(material(1), 11);
  cache.forget(material(1), lost, true);
  EXPECT_EQ(cache.find(material(1)), nullptr);
  EXPECT_TRUE(cache.take_evicted().empty());
}

TEST(MaterialCache, AHandleInDoubtIsDestroyedWhenNobodyUsesIt) {
  MaterialCache cache(4);
  MaterialCache::Ref doubted = cache.put(material(1), 11, 12);
  cache.forget(material(1), doubted, false);
  EXPECT_EQ(cache.find(material(1)), nullptr);
  EXPECT_TRUE(cache.take_evicted().empty());
  doubted.reset();
  EXPECT_EQ(cache.take_evicted(), (std::vector<CK_OBJECT_HANDLE>{11, 12}));
  cache.discard(13, CK_INVALID_HANDLE);
  EXPECT_EQ(cache.take_evicted(), std::vector<CK_OBJECT_HANDLE>{13});
}

TEST(MaterialCache, ForgetsOnlyWhatWasLost) {
  MaterialCache cache(4);
  const MaterialCache::Ref lost = cache.put(material(1), 11);
  cache.put(material(1), 21);
  cache.forget(material(1), lost, true);
  EXPECT_EQ(cache.find(material(1))->handle(), 21U);
}

TEST(MaterialCache, HandlesOfAFormerLoginAreGoneWithIt) {
  MaterialCache cache(1);
  MaterialCache::Ref used = cache.put(material(1), 11);
  cache.put(material(2), 12);
  cache.clear();
  used.reset();
  EXPECT_TRUE(cache.take_evicted().empty());
  EXPECT_EQ(cache.size(), 0U);
}

TEST(MaterialCache, TellsMaterialsApartByAllTheyAre) {
  MaterialCache cache(4);
  WrappedMaterial other = material(1);
  other.kek = ObjectId{2};
  cache.put(material(1), 11);
  EXPECT_EQ(cache.find(other), nullptr);
}

TEST(KeyCache, ForgetsAHandleUnlessANewerOneTookItsPlace) {
  KeyCache cache;
  const ObjectId id{1};
  cache.put(id, {11, KeyKind::aes_256, Role::key});
  cache.forget(id, 10);
  EXPECT_EQ(cache.find(id)->handle, 11U);
  cache.forget(id, 11);
  EXPECT_FALSE(cache.find(id).has_value());
}

TEST(KeyCache, KnowsOurOwnObjectsByTheirLabels) {
  ObjectInfo info;
  info.id = Bytes(16, 7);
  EXPECT_TRUE(object_id(info).has_value());
  EXPECT_EQ(token_key(info).role, Role::key);
  info.label = "kms-connector kek";
  EXPECT_EQ(token_key(info).role, Role::key_encryption_key);
  info.label = "kms-connector canary";
  EXPECT_EQ(token_key(info).role, Role::canary);
  info.id.pop_back();
  EXPECT_FALSE(object_id(info).has_value());
  EXPECT_EQ(to_hex(ObjectId{0xAB}), "ab000000000000000000000000000000");
}

TEST(RefusedPins, KnowWhichPinOfWhichTokenWasRefused) {
  RefusedPins pins;
  const Bytes pin{'1', '2'};
  pins.record("serial", pin, Failure::pin_locked);
  EXPECT_EQ(pins.refused("serial", pin), Failure::pin_locked);
  EXPECT_FALSE(pins.refused("serial", Bytes{'1', '3'}).has_value());
  EXPECT_FALSE(pins.refused("other", pin).has_value());
  EXPECT_FALSE(pins.refused("serial1", Bytes{'2'}).has_value());
}

}  // namespace
}  // namespace pkcs11
