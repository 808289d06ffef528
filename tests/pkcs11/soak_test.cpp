#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>

#include "pkcs11/ck_rv.h"
#include "pkcs11/key_kind.h"
#include "tests/pkcs11/softhsm_token.h"
#include "tests/support/public_keys.h"

// Sixteen threads on one token while everything that can go wrong goes wrong. No call may fail but
// by design, no answer may be wrong, and none may come later than its deadline. KMS_SOAK_SECONDS
// says how long.
namespace pkcs11 {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kThreads = 16;
// Both leave room for a machine that stalls for seconds, as test machines do.
constexpr milliseconds kDeadline{30000};
constexpr milliseconds kSlack{20000};

std::chrono::seconds soak_time() {
  const char* text = std::getenv("KMS_SOAK_SECONDS");
  return std::chrono::seconds(text != nullptr ? std::atoi(text) : 8);
}

class Soak : public testing::Test {
 protected:
  SoftHsmToken softhsm_;
  pkcs11_proxy::Control& proxy_ = softhsm_.proxy;
  std::unique_ptr<Token> token_ = softhsm_.open();
  std::vector<MaterialRef> keys_;
  std::vector<MaterialRef> other_keys_;  // that sign, make MACs, encrypt with RSA, agree
  const kms::test::Peer peer_{"P-256"};
  const ObjectMaterial flickering_{KeyKind::aes_256, ObjectId{0xF1}};

  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::int64_t> worst_ms_{0};
  std::mutex mutex_;
  std::vector<std::string> failures_;

  void SetUp() override {
    proxy_.arm_tripwire(true);
    for (int i = 0; i < 6; ++i) {
      keys_.emplace_back(token_->generate_wrapped(KeyKind::aes_256, soon()));
    }
    for (std::uint8_t i = 1; i <= 2; ++i) {
      const ObjectMaterial key{KeyKind::aes_256, ObjectId{i}};
      token_->generate_object(KeyKind::aes_256, key.id, "key", soon());
      keys_.emplace_back(key);
    }
    std::uint8_t id = 0x10;
    for (const KeyKind kind : {KeyKind::rsa_2048, KeyKind::ec_p256, KeyKind::hmac_256}) {
      other_keys_.emplace_back(token_->generate_wrapped(kind, soon()));
      other_keys_.emplace_back(token_->generate_object(kind, ObjectId{++id}, "key", soon()));
    }
    other_keys_.emplace_back(
        token_->generate_object(KeyKind::ed25519, ObjectId{++id}, "key", soon()));
  }

  void fail(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (failures_.size() < 20) failures_.push_back(text);
  }

  /// Runs one operation, and looks at the clock.
  void timed(const char* what, const std::function<void(Deadline)>& operation) {
    const auto start = Clock::now();
    try {
      operation(start + kDeadline);
    } catch (const Error& error) {
      fail(std::string(what) + ": " + name(error.failure()) + ": " + error.what());
    }
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
    std::int64_t worst = worst_ms_;
    while (took > worst && !worst_ms_.compare_exchange_weak(worst, took)) {
    }
    ++done_;
  }

  void round_trip(const MaterialRef& key, std::uint8_t fill) {
    const Bytes plaintext(1 + fill, fill);
    const Bytes aad(fill, 1);
    GcmCiphertext sealed;
    timed("encrypt", [&](Deadline d) { sealed = token_->gcm_encrypt(key, plaintext, aad, d); });
    if (sealed.data.empty()) return;
    timed("decrypt", [&](Deadline d) {
      const auto opened = token_->gcm_decrypt(key, sealed.iv, sealed.data, aad, d);
      if (!opened) return fail("a good ciphertext was refused");
      if (!opened->equals(plaintext)) fail("a wrong plaintext");
    });
    sealed.data[fill % sealed.data.size()] ^= 1;
    timed("decrypt bad", [&](Deadline d) {
      if (token_->gcm_decrypt(key, sealed.iv, sealed.data, aad, d)) fail("a bad one was taken");
    });
  }

  void data_key(const MaterialRef& key) {
    SealedRandom sealed;
    timed("generate", [&](Deadline d) { sealed = token_->generate_sealed(key, 32, {}, d); });
    if (sealed.plaintext.empty()) return;
    timed("decrypt", [&](Deadline d) {
      const auto opened =
          token_->gcm_decrypt(key, sealed.ciphertext.iv, sealed.ciphertext.data, {}, d);
      if (!opened || !opened->equals(sealed.plaintext.view())) fail("a data key was lost");
    });
  }

  void sign(const MaterialRef& key, SignatureScheme scheme, const Bytes& message) {
    constexpr MessageForm kForm = MessageForm::message;
    Bytes signature;
    timed("sign", [&](Deadline d) { signature = token_->sign(key, scheme, kForm, message, d); });
    if (signature.empty()) return;
    if (!kms::test::verifies(public_key_of(key), scheme, message, signature)) {
      fail("a wrong signature");
    }
    timed("verify", [&](Deadline d) {
      if (!token_->verify(key, scheme, kForm, message, signature, d)) fail("a signature refused");
    });
    signature.back() ^= 1;
    timed("verify bad", [&](Deadline d) {
      if (token_->verify(key, scheme, kForm, message, signature, d)) fail("a bad one was taken");
    });
  }

  void make_mac(const MaterialRef& key, const Bytes& message) {
    Bytes mac;
    timed("mac", [&](Deadline d) { mac = token_->mac(key, message, d); });
    if (mac.empty()) return;
    timed("verify mac", [&](Deadline d) {
      if (!token_->verify_mac(key, message, mac, d)) fail("a MAC was refused");
    });
  }

  void encrypt_with_rsa(const MaterialRef& key, OaepHash hash, const Bytes& plaintext) {
    Bytes sealed;
    timed("oaep encrypt",
          [&](Deadline d) { sealed = token_->oaep_encrypt(key, hash, plaintext, d); });
    if (sealed.empty()) return;
    timed("oaep decrypt", [&](Deadline d) {
      const auto opened = token_->oaep_decrypt(key, hash, sealed, d);
      if (!opened || !opened->equals(plaintext)) fail("an RSA ciphertext was lost");
    });
    sealed.back() ^= 1;
    timed("oaep decrypt bad", [&](Deadline d) {
      if (token_->oaep_decrypt(key, hash, sealed, d)) fail("a bad RSA ciphertext was taken");
    });
  }

  void agree(const MaterialRef& key) {
    timed("ecdh", [&](Deadline d) {
      const auto secret = token_->ecdh(key, peer_.public_key(), d);
      if (!secret || !secret->equals(peer_.agree(public_key_of(key)))) fail("a wrong secret");
    });
  }

  void use_other_key(const MaterialRef& key, std::uint8_t fill) {
    const Bytes message(1 + fill % 64, fill);
    switch (info(kind_of(key)).family) {
      case KeyFamily::hmac:
        return make_mac(key, message);
      case KeyFamily::rsa:
        if (fill % 2 == 0) return sign(key, SignatureScheme::rsa_pss_sha256, message);
        return encrypt_with_rsa(key, fill % 4 == 1 ? OaepHash::sha1 : OaepHash::sha256, message);
      case KeyFamily::ec:
        if (fill % 2 == 0) return sign(key, SignatureScheme::ecdsa_sha256, message);
        return agree(key);
      case KeyFamily::edwards:
        return sign(key, SignatureScheme::ed25519, message);
      case KeyFamily::aes:
      case KeyFamily::ml_dsa:
        break;
    }
    fail("a key that is not used");
  }

  /// The key that is destroyed and made again: it is there or it is not, and nothing else.
  void use_flickering() {
    timed("flickering", [&](Deadline d) {
      try {
        (void)token_->gcm_encrypt(flickering_, Bytes(4), {}, d);
      } catch (const Error& error) {
        if (error.failure() != Failure::key_not_found) throw;
      }
    });
  }

  void work(unsigned seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const MaterialRef& key = keys_[random() % keys_.size()];
      switch (random() % 12) {
        case 0:
          use_flickering();
          break;
        case 1:
          timed("random", [&](Deadline d) {
            Bytes out(64);
            token_->random(out, d);
            if (out == Bytes(64)) fail("no random bytes");
          });
          break;
        case 2:
          timed("find", [&](Deadline d) {
            if (!token_->has_object(ObjectId{1}, d)) fail("an object was not found");
          });
          break;
        case 3:
          if (random() % 16 == 0) {
            const KeyKind kind = random() % 2 == 0 ? KeyKind::aes_256 : KeyKind::ec_p256;
            timed("wrap", [&](Deadline d) { (void)token_->generate_wrapped(kind, d); });
          }
          break;
        case 4:
        case 5:
          data_key(key);
          break;
        case 6:
        case 7:
          use_other_key(other_keys_[random() % other_keys_.size()],
                        static_cast<std::uint8_t>(random()));
          break;
        default:
          round_trip(key, static_cast<std::uint8_t>(random()));
      }
    }
  }

  /// Until the threads have done so many more operations, which is what there is to wait for; false
  /// if that takes too long.
  bool work_goes_on(std::uint64_t operations, milliseconds limit) {
    const std::uint64_t until = done_ + operations;
    const auto end = Clock::now() + limit;
    while (done_ < until && Clock::now() < end) std::this_thread::yield();
    return done_ >= until;
  }
  void let_work(std::uint64_t operations) {
    if (!work_goes_on(operations, 2 * kDeadline)) fail("the threads are stuck");
  }

  void destroy_and_make_again() {
    try {
      (void)token_->destroy_object(flickering_.id, soon());
      let_work(20);
      token_->generate_object(KeyKind::aes_256, flickering_.id, "flickering", soon());
    } catch (const Error& error) {
      // A creation in doubt is given up by design; the next round makes it.
      if (error.failure() != Failure::device_error) fail(std::string("flicker: ") + error.what());
    }
  }

  void hang_one() {
    proxy_.hang("C_Encrypt");
    // A recovery that falls due meanwhile has to wait for the call that hangs, and all with it.
    if (proxy_.wait_until_hanging(1, milliseconds(2000))) work_goes_on(50, milliseconds(1000));
    proxy_.release();
  }

  void one_round(int round) {
    for (const char* function : {"C_EncryptInit", "C_Encrypt", "C_DecryptInit", "C_Decrypt",
                                 "C_SignInit", "C_Sign", "C_VerifyInit", "C_Verify"}) {
      proxy_.fail(function, CKR_SESSION_HANDLE_INVALID, 0, 4);
      let_work(30);
      proxy_.fail(function, CKR_OPERATION_ACTIVE, 0, 4);
      let_work(30);
      proxy_.fail(function, CKR_DEVICE_ERROR, 0, 4);
      let_work(30);
    }
    for (const char* function : {"C_EncryptInit", "C_SignInit", "C_VerifyInit", "C_DeriveKey"}) {
      proxy_.fail(function, CKR_KEY_HANDLE_INVALID, 0, 3);
      let_work(30);
    }
    for (const char* function : {"C_DeriveKey", "C_GenerateKeyPair", "C_UnwrapKey"}) {
      proxy_.fail(function, CKR_SESSION_HANDLE_INVALID, 0, 2);
      let_work(30);
    }
    proxy_.fail("C_Decrypt", CKR_GENERAL_ERROR, 0, 1);
    let_work(30);
    proxy_.fail("C_OpenSession", CKR_DEVICE_ERROR, 0, 2);
    proxy_.forget_sessions();
    let_work(30);
    destroy_and_make_again();
    for (int i = 0; i < 3; ++i) {
      proxy_.logout();
      let_work(30);
    }
    proxy_.max_sessions(4);
    proxy_.forget_sessions();
    let_work(100);
    proxy_.max_sessions(pkcs11_proxy::kForever);
    hang_one();
    if (round == 0) {
      proxy_.absent_for(std::chrono::seconds(1));
      let_work(30);
    }
  }
};

TEST_F(Soak, NoCallFailsNoAnswerIsWrongNothingHangs) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { work(i + 1); });
  const auto end = Clock::now() + soak_time();
  int rounds = 0;
  do {
    one_round(rounds++);
  } while (Clock::now() < end);
  proxy_.clear_failures();
  stop_ = true;
  for (std::thread& thread : threads) thread.join();

  for (const std::string& text : failures_) ADD_FAILURE() << text;
  if (HasFailure()) ADD_FAILURE() << softhsm_.log_text();
  EXPECT_LT(worst_ms_, (kDeadline + kSlack).count());
  EXPECT_EQ(proxy_.tripped(), 0U);
  token_->check_health(soon());
  (void)token_->destroy_object(flickering_.id, soon());
  EXPECT_EQ(token_->objects(soon()).size(), 6U);
  RecordProperty("operations", std::to_string(done_));
  std::cout << done_ << " operations in " << rounds << " rounds, " << token_->epoch()
            << " logins, worst " << worst_ms_ << " ms\n";
  token_.reset();
  EXPECT_EQ(proxy_.open_sessions(), 0U);
}

}  // namespace
}  // namespace pkcs11
