#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <variant>

#include "connector/base/encodings.h"
#include "connector/keystores/generations.h"
#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

class TokenKeyStore : public KeyStoresTest {
 protected:
  std::string store() {
    const std::string id = create();
    EXPECT_EQ(connected(id), "CONNECTED");
    return id;
  }
  const std::vector<keys::Generation>& generations(const keys::KeyPtr& key) {
    held_ = fresh(key);
    return held_->materials.front().generations;
  }
  std::set<std::uint32_t> numbers(const keys::KeyPtr& key) {
    std::set<std::uint32_t> all;
    for (const keys::Generation& generation : generations(key)) all.insert(generation.number);
    return all;
  }
  /// Of the custom key store's objects in its token.
  std::size_t objects(const keys::KeyPtr& key) {
    std::size_t found = 0;
    for (const keys::Generation& generation : generations(key)) {
      if (std::holds_alternative<pkcs11::ObjectMaterial>(generation.ref)) ++found;
    }
    return found;
  }
  keys::KeyPtr held_;
};

TEST_F(TokenKeyStore, DecryptsWhatItEncryptedInARegion) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  EXPECT_EQ(decrypt(key, blob), "plain");
  EXPECT_TRUE(std::holds_alternative<pkcs11::WrappedMaterial>(generations(key).front().ref));
}

TEST_F(TokenKeyStore, DecryptsWhatItEncryptedInACustomKeyStore) {
  const keys::KeyPtr key = make_key(store());
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  EXPECT_EQ(decrypt(key, blob), "plain");
  EXPECT_TRUE(std::holds_alternative<pkcs11::ObjectMaterial>(generations(key).front().ref));
}

TEST_F(TokenKeyStore, NamesMaterialAndGenerationInTheCiphertext) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  const auto parsed = keys::parse_ciphertext(blob);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, (keys::CiphertextHeader{.account = kHere.account,
                                                    .region = kHere.region,
                                                    .key_id = key->id,
                                                    .material_id = key->current_material,
                                                    .generation = 1}));
  EXPECT_EQ(parsed->iv.size(), 12U);
}

TEST_F(TokenKeyStore, RefusesAnotherContext) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  const auto parsed = keys::parse_ciphertext(blob);
  const auto store = stores().of(*key);
  EXPECT_FALSE(store->decrypt(authorized(key), *parsed, {{"who", "bob"}}, soon()));
  EXPECT_FALSE(store->decrypt(authorized(key), *parsed, {}, soon()));
}

TEST_F(TokenKeyStore, RefusesMaterialAndGenerationsItDoesNotKnow) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  auto parsed = *keys::parse_ciphertext(blob);
  parsed.header.generation = 2;
  const auto store = stores().of(*key);
  EXPECT_FALSE(store->decrypt(authorized(key), parsed, {{"who", "alice"}}, soon()));
  parsed.header.generation = 1;
  parsed.header.material_id = std::string(64, '0');
  EXPECT_FALSE(store->decrypt(authorized(key), parsed, {{"who", "alice"}}, soon()));
}

TEST_F(TokenKeyStore, RefusesEveryFlippedByte) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  const auto store = stores().of(*key);
  for (std::size_t at = 0; at < blob.size(); ++at) {
    Bytes flipped = blob;
    flipped[at] ^= 1;
    const auto parsed = keys::parse_ciphertext(flipped);
    if (!parsed) continue;
    EXPECT_FALSE(store->decrypt(authorized(key), *parsed, {{"who", "alice"}}, soon())) << at;
  }
}

TEST_F(TokenKeyStore, MakesDataKeysThatDecrypt) {
  const keys::KeyPtr key = make_key();
  const auto store = stores().of(*key);
  const keystores::DataKey made = store->generate_data_key(authorized(key), 32, {}, soon());
  EXPECT_EQ(made.plaintext.size(), 32U);
  EXPECT_EQ(made.material_id, key->current_material);
  const auto opened =
      store->decrypt(authorized(key), *keys::parse_ciphertext(made.ciphertext), {}, soon());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->equals(made.plaintext.view()));
}

TEST_F(TokenKeyStore, DataKeyCostsOneRandomOneInitOneEncrypt) {
  const keys::KeyPtr key = make_key();
  const auto store = stores().of(*key);
  (void)store->generate_data_key(authorized(key), 32, {}, soon());
  proxy().zero_counters();
  for (int i = 0; i < 10; ++i) (void)store->generate_data_key(authorized(key), 32, {}, soon());
  EXPECT_EQ(proxy().count("C_GenerateRandom").calls, 10U);
  EXPECT_EQ(proxy().count("C_EncryptInit").calls, 10U);
  EXPECT_EQ(proxy().count("C_Encrypt").calls, 10U);
  EXPECT_EQ(proxy().count("C_FindObjectsInit").calls, 0U);
}

TEST_F(TokenKeyStore, GivesRandomBytesOfItsToken) {
  const auto store = stores().region(kHere.region);
  proxy().zero_counters();
  EXPECT_EQ(store->random(24, soon()).size(), 24U);
  EXPECT_EQ(proxy().count("C_GenerateRandom").calls, 1U);
}

TEST_F(TokenKeyStore, KeyRemovedFromTheTokenIsTheStateOfTheKeyStore) {
  const keys::KeyPtr key = make_key(store());
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  const auto& object = std::get<pkcs11::ObjectMaterial>(generations(key).front().ref);
  hsm_.destroy_secret_key(kCluster, kPassword, to_hex(object.id));
  EXPECT_EQ(decrypt(key, blob),
            "400 KMSInvalidStateException: KMS cannot find the key material of the KMS key in your "
            "CloudHSM cluster");
  EXPECT_TRUE(stores().available(*key));
}

TEST_F(TokenKeyStore, DeviceFaultIsNoBadCiphertext) {
  const keys::KeyPtr key = make_key();
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  proxy().fail("C_Decrypt", 0x30 /* CKR_DEVICE_ERROR */, 0, pkcs11_proxy::kForever);
  EXPECT_EQ(decrypt(key, blob, std::chrono::seconds{1}),
            "500 KMSInternalException: Internal error.");
  proxy().clear_failures();
  EXPECT_EQ(decrypt(key, blob), "plain");
}

class SmallGenerations : public TokenKeyStore {
 protected:
  SmallGenerations() {
    stop();
    config_.limits.invocations_per_generation = 4;
    start();
  }
  void roll_over(const keys::KeyPtr& key) {
    std::vector<Bytes> blobs(10);
    for (Bytes& blob : blobs) ASSERT_EQ(encrypt(key, &blob), "OK");
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      EXPECT_EQ(keys::parse_ciphertext(blobs[i])->header.generation, i / 4 + 1);
      EXPECT_EQ(decrypt(key, blobs[i]), "plain");
    }
    EXPECT_EQ(numbers(key), (std::set<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(generations(key).back().number, 3U);
    EXPECT_EQ(fresh(key)->materials.size(), 1U);
    EXPECT_EQ(fresh(key)->current_material, key->current_material);
  }
};

TEST_F(SmallGenerations, WrappedMaterialRollsOver) { roll_over(make_key()); }

TEST_F(SmallGenerations, TokenObjectsRollOver) {
  const keys::KeyPtr key = make_key(store());
  roll_over(key);
  EXPECT_EQ(objects(key), 3U);
  EXPECT_TRUE(stores().reconcile({}, soon()).lines.empty());
}

TEST_F(SmallGenerations, ReservedInvocationsCountAsUsedAfterARestart) {
  const keys::KeyPtr key = make_key();
  Bytes before;
  ASSERT_EQ(encrypt(key, &before), "OK");
  EXPECT_EQ(generations(key).back().reserved, 4U);
  restart();
  Bytes after;
  ASSERT_EQ(encrypt(key, &after), "OK");
  EXPECT_EQ(keys::parse_ciphertext(after)->header.generation, 2U);
  EXPECT_EQ(decrypt(key, before), "plain");
}

TEST_F(SmallGenerations, ManyThreadsShareANewGeneration) {
  const keys::KeyPtr key = make_key(store());
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) failed += encrypt(key) == "OK" ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(numbers(key).size(), 10U);
  EXPECT_EQ(objects(key), 10U);
}

TEST_F(SmallGenerations, AGenerationWhoseObjectCouldNotBeMadeIsMadeLater) {
  const keys::KeyPtr key = make_key(store());
  for (int i = 0; i < 4; ++i) ASSERT_EQ(encrypt(key), "OK");
  proxy().fail("C_GenerateKey", 0x30 /* CKR_DEVICE_ERROR */, 0, pkcs11_proxy::kForever);
  EXPECT_EQ(encrypt(key),
            "400 KMSInvalidStateException: KMS cannot communicate with your CloudHSM cluster");
  // Recorded before the generation that encrypts, so nobody uses it.
  const keys::KeyPtr between = fresh(key);
  ASSERT_EQ(between->materials.front().generations.size(), 2U);
  const keys::Generation* unmade = keystores::unmade(between->materials.front());
  ASSERT_NE(unmade, nullptr);
  EXPECT_EQ(unmade->number, 2U);
  proxy().clear_failures();
  restart();
  EXPECT_TRUE(reaches(key->custom_key_store_id, "CONNECTED"));
  EXPECT_TRUE(stores().reconcile({}, soon()).lines.empty());
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  EXPECT_EQ(keys::parse_ciphertext(blob)->header.generation, 2U);
  // Under another id: the first attempt may yet end in the token.
  EXPECT_EQ(numbers(key), (std::set<std::uint32_t>{1, 2}));
  EXPECT_NE(generations(key).back().ref, between->materials.front().generations.front().ref);
  EXPECT_EQ(decrypt(key, blob), "plain");
}

TEST_F(SmallGenerations, AnObjectThatACrashLeftIsReplaced) {
  const keys::KeyPtr key = make_key(store());
  for (int i = 0; i < 4; ++i) ASSERT_EQ(encrypt(key), "OK");
  // As the record and the token stand between making the object and committing it.
  const auto store = stores().of(*key);
  const auto reserved = store->reserve(pkcs11::KeyKind::aes_256, soon());
  keys::KeyRecord record = *fresh(key);
  auto& made = record.materials.front().generations;
  made.insert(made.begin(), {.number = 2, .ref = *reserved});
  const storage::Change put = storage::Put<keys::KeyRecord>{record};
  db().commit({&put, 1});
  (void)store->make(pkcs11::KeyKind::aes_256, reserved, key->arn(), soon());

  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  EXPECT_EQ(keys::parse_ciphertext(blob)->header.generation, 2U);
  EXPECT_NE(generations(key).back().ref, *reserved);
  EXPECT_EQ(objects(key), 2U);
  EXPECT_TRUE(stores().reconcile({}, soon()).lines.empty());
}

}  // namespace
}  // namespace kms::test
