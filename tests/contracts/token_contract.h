#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "pkcs11/module.h"

// What every pkcs11::Token promises, whatever module it is on. A test program gives makers of
// opened tokens:
//   INSTANTIATE_TEST_SUITE_P(SoftHsm, TokenContract, testing::Values(TokenMaker{"name", make}));
namespace pkcs11 {

/// An opened token and all it needs. Each call of a maker gives one on an empty token.
struct OpenToken {
  std::shared_ptr<void> keeps_alive;
  std::unique_ptr<Token> token;
};

struct TokenMaker {
  std::string name;
  std::function<OpenToken()> make;
  /// How the token holds keys of each kind.
  std::function<Holding(KeyKind)> holding;
};

inline std::ostream& operator<<(std::ostream& out, const TokenMaker& maker) {
  return out << maker.name;
}

class TokenContract : public testing::TestWithParam<TokenMaker> {
 protected:
  ~TokenContract() override {
    open_.token.reset();
    open_.keeps_alive.reset();
  }
  Token& token() { return *open_.token; }
  static Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(60); }
  ObjectId new_id() {
    ObjectId id{};
    token().random(id, soon());
    return id;
  }
  ObjectMaterial new_object(const std::string& label = "key") {
    const ObjectId id = new_id();
    token().generate_object(KeyKind::aes_256, id, label, soon());
    return {KeyKind::aes_256, id};
  }
  static Holding holding_of(KeyKind kind) { return GetParam().holding(kind); }
  /// True if keys of the kind are not wrapped on this token, as its maker says, and the token
  /// refuses to.
  bool refuses_to_wrap(KeyKind kind) {
    if (holding_of(kind) == Holding::wrapped) return false;
    EXPECT_EQ(failure_of([&] { (void)token().generate_wrapped(kind, soon()); }),
              Failure::unsupported);
    return true;
  }
  /// A new key held in each way that the token has for the kind.
  std::vector<MaterialRef> materials(KeyKind kind = KeyKind::aes_256) {
    std::vector<MaterialRef> all{token().generate_object(kind, new_id(), "key", soon())};
    if (holding_of(kind) == Holding::wrapped) {
      all.emplace_back(token().generate_wrapped(kind, soon()));
    }
    return all;
  }
  static const Bytes& public_key_of(const MaterialRef& key) {
    return std::visit([](const auto& held) -> const Bytes& { return held.public_key; }, key);
  }
  template <class Call>
  static Failure failure_of(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.failure();
    }
    ADD_FAILURE() << "nothing was thrown";
    return Failure::other;
  }
  static Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

 private:
  OpenToken open_ = GetParam().make();
};

TEST_P(TokenContract, DecryptsWhatItEncryptedUnderEitherKindOfMaterial) {
  const Bytes aad = bytes("context");
  for (const MaterialRef& key : materials()) {
    for (const std::size_t size : {0U, 1U, 16U, 32U, 4096U}) {
      const Bytes plaintext(size, 0x42);
      const GcmCiphertext sealed = token().gcm_encrypt(key, plaintext, aad, soon());
      EXPECT_EQ(sealed.data.size(), size + 16);
      const auto opened = token().gcm_decrypt(key, sealed.iv, sealed.data, aad, soon());
      ASSERT_TRUE(opened.has_value()) << size;
      EXPECT_TRUE(opened->equals(plaintext)) << size;
    }
  }
}

TEST_P(TokenContract, TellsEveryChangedBitFromADeviceFault) {
  const Bytes plaintext = bytes("attack at dawn");
  const Bytes aad = bytes("context");
  for (const MaterialRef& key : materials()) {
    const GcmCiphertext sealed = token().gcm_encrypt(key, plaintext, aad, soon());
    for (const std::size_t at : {std::size_t{0}, sealed.data.size() - 1}) {
      Bytes changed = sealed.data;
      changed[at] ^= 1;
      EXPECT_FALSE(token().gcm_decrypt(key, sealed.iv, changed, aad, soon()).has_value());
    }
    Bytes iv = sealed.iv;
    iv[0] ^= 0x80;
    EXPECT_FALSE(token().gcm_decrypt(key, iv, sealed.data, aad, soon()).has_value());
    EXPECT_FALSE(token().gcm_decrypt(key, sealed.iv, sealed.data, {}, soon()).has_value());
    EXPECT_FALSE(token().gcm_decrypt(key, sealed.iv, sealed.data, bytes("Context"), soon()));
    EXPECT_TRUE(token().gcm_decrypt(key, sealed.iv, sealed.data, aad, soon()).has_value());
  }
}

TEST_P(TokenContract, RefusesIvAndCiphertextOfImpossibleLengths) {
  const MaterialRef key = new_object();
  const GcmCiphertext sealed = token().gcm_encrypt(key, bytes("x"), {}, soon());
  for (const std::size_t size : {0U, 1U, 11U, 13U, 15U, 17U, 4096U}) {
    EXPECT_FALSE(token().gcm_decrypt(key, Bytes(size, 1), sealed.data, {}, soon())) << size;
  }
  for (const std::size_t size : {0U, 1U, 15U}) {
    EXPECT_FALSE(token().gcm_decrypt(key, sealed.iv, Bytes(size, 1), {}, soon())) << size;
  }
  EXPECT_FALSE(token().gcm_decrypt(key, sealed.iv, Bytes(16, 1), {}, soon()));
}

TEST_P(TokenContract, NeverMakesAnIvTwice) {
  const MaterialRef key = new_object();
  std::set<Bytes> ivs;
  for (int i = 0; i < 200; ++i) ivs.insert(token().gcm_encrypt(key, {}, {}, soon()).iv);
  for (int i = 0; i < 200; ++i)
    ivs.insert(token().generate_sealed(key, 32, {}, soon()).ciphertext.iv);
  EXPECT_EQ(ivs.size(), 400U);
}

TEST_P(TokenContract, SealsFreshRandomBytes) {
  for (const MaterialRef& key : materials()) {
    const Bytes aad = bytes("context");
    const SealedRandom one = token().generate_sealed(key, 32, aad, soon());
    const SealedRandom two = token().generate_sealed(key, 32, aad, soon());
    EXPECT_EQ(one.plaintext.size(), 32U);
    EXPECT_FALSE(one.plaintext.equals(two.plaintext.view()));
    const auto opened =
        token().gcm_decrypt(key, one.ciphertext.iv, one.ciphertext.data, aad, soon());
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(opened->equals(one.plaintext.view()));
  }
  const MaterialRef key = new_object();
  EXPECT_EQ(token().generate_sealed(key, 1, {}, soon()).plaintext.size(), 1U);
  EXPECT_EQ(token().generate_sealed(key, 1024, {}, soon()).plaintext.size(), 1024U);
  EXPECT_EQ(failure_of([&] { (void)token().generate_sealed(key, 0, {}, soon()); }),
            Failure::bad_argument);
}

TEST_P(TokenContract, DrawsRandomBytes) {
  Bytes one(1024);
  Bytes two(1024);
  token().random(one, soon());
  token().random(two, soon());
  EXPECT_NE(one, two);
  EXPECT_NE(one, Bytes(1024));
  token().random({}, soon());
}

TEST_P(TokenContract, KeepsMaterialsApart) {
  const MaterialRef mine = new_object();
  const MaterialRef other = new_object();
  const GcmCiphertext sealed = token().gcm_encrypt(mine, bytes("x"), {}, soon());
  EXPECT_FALSE(token().gcm_decrypt(other, sealed.iv, sealed.data, {}, soon()).has_value());
}

TEST_P(TokenContract, WrapsEachMaterialAnewUnderOneKek) {
  if (refuses_to_wrap(KeyKind::aes_256)) return;
  const WrappedMaterial one = token().generate_wrapped(KeyKind::aes_256, soon());
  const WrappedMaterial two = token().generate_wrapped(KeyKind::aes_256, soon());
  EXPECT_EQ(one.kek, two.kek);
  EXPECT_EQ(one.blob.size(), 40U);
  EXPECT_NE(one.blob, two.blob);
  const GcmCiphertext sealed = token().gcm_encrypt(one, bytes("x"), {}, soon());
  EXPECT_FALSE(token().gcm_decrypt(two, sealed.iv, sealed.data, {}, soon()).has_value());
}

TEST_P(TokenContract, RejectsABlobThatItsKekDoesNotOpen) {
  if (refuses_to_wrap(KeyKind::aes_256)) return;
  const WrappedMaterial good = token().generate_wrapped(KeyKind::aes_256, soon());
  WrappedMaterial bad = good;
  bad.blob[39] ^= 1;
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(bad, {}, {}, soon()); }),
            Failure::material_rejected);
  bad = good;
  bad.blob.pop_back();
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(bad, {}, {}, soon()); }),
            Failure::material_rejected);
  bad = good;
  bad.kek[0] ^= 1;
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(bad, {}, {}, soon()); }),
            Failure::key_not_found);
  const ObjectMaterial kek_as_key{KeyKind::aes_256, good.kek};
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(kek_as_key, {}, {}, soon()); }),
            Failure::bad_argument);
  EXPECT_EQ(token().gcm_encrypt(good, {}, {}, soon()).data.size(), 16U);
}

TEST_P(TokenContract, ListsFindsAndDestroysItsObjects) {
  EXPECT_TRUE(token().objects(soon()).empty());
  const ObjectId one = new_object("arn:one").id;
  const ObjectId two = new_object("arn:two").id;
  std::vector<TokenObject> all = token().objects(soon());
  std::ranges::sort(all, {}, &TokenObject::label);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, one);
  EXPECT_EQ(all[0].label, "arn:one");
  EXPECT_EQ(all[1].id, two);

  EXPECT_TRUE(token().has_object(one, soon()));
  EXPECT_TRUE(token().destroy_object(one, soon()));
  EXPECT_FALSE(token().has_object(one, soon()));
  EXPECT_FALSE(token().destroy_object(one, soon()));
  EXPECT_TRUE(token().has_object(two, soon()));
  EXPECT_FALSE(token().has_object(ObjectId{}, soon()));
}

TEST_P(TokenContract, NoCopyOfADestroyedObjectSurvives) {
  const ObjectMaterial key = new_object();
  const GcmCiphertext sealed = token().gcm_encrypt(key, bytes("x"), {}, soon());
  EXPECT_TRUE(token().destroy_object(key.id, soon()));
  EXPECT_EQ(failure_of([&] { (void)token().gcm_decrypt(key, sealed.iv, sealed.data, {}, soon()); }),
            Failure::key_not_found);
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(key, {}, {}, soon()); }),
            Failure::key_not_found);
  EXPECT_EQ(failure_of([&] { (void)token().generate_sealed(key, 32, {}, soon()); }),
            Failure::key_not_found);
}

TEST_P(TokenContract, RefusesASecondObjectOfTheSameId) {
  const ObjectMaterial key = new_object();
  const GcmCiphertext sealed = token().gcm_encrypt(key, bytes("x"), {}, soon());
  EXPECT_EQ(failure_of([&] { token().generate_object(KeyKind::aes_256, key.id, "again", soon()); }),
            Failure::bad_argument);
  EXPECT_TRUE(token().gcm_decrypt(key, sealed.iv, sealed.data, {}, soon()).has_value());
}

TEST_P(TokenContract, GuardsItsOwnObjects) {
  if (refuses_to_wrap(KeyKind::aes_256)) return;
  const WrappedMaterial material = token().generate_wrapped(KeyKind::aes_256, soon());
  EXPECT_EQ(failure_of([&] { (void)token().destroy_object(material.kek, soon()); }),
            Failure::bad_argument);
  EXPECT_EQ(token().gcm_encrypt(material, {}, {}, soon()).data.size(), 16U);
  for (const char* label : {"kms-connector kek", "kms-connector canary"}) {
    EXPECT_EQ(
        failure_of([&] { token().generate_object(KeyKind::aes_256, new_id(), label, soon()); }),
        Failure::bad_argument);
  }
}

TEST_P(TokenContract, RefusesWorkWithoutTime) {
  const MaterialRef key = new_object();
  const Deadline past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(failure_of([&] { (void)token().gcm_encrypt(key, {}, {}, past); }),
            Failure::deadline_exceeded);
  EXPECT_EQ(failure_of([&] { token().check_health(past); }), Failure::deadline_exceeded);
}

TEST_P(TokenContract, IsHealthyAndKnowsItself) {
  token().check_health(soon());
  EXPECT_EQ(token().epoch(), 1U);
  EXPECT_FALSE(token().info().serial.empty());
  const Capabilities can = token().capabilities();
  EXPECT_TRUE(can.aes_gcm);
  EXPECT_EQ(can.wrap_kwp, holding_of(KeyKind::aes_256) == Holding::wrapped);
  EXPECT_TRUE(can.random);
  EXPECT_GE(can.gcm_max, 4096U);
}

}  // namespace pkcs11
