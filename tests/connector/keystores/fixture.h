#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "connector/auth/authorizer.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/keystores/key_stores.h"
#include "connector/storage/metadata_store.h"
#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/support/softhsm.h"
#include "tests/support/temp_dir.h"

namespace kms::test {

inline const Scope kHere{"123456789012", "us-east-1"};
inline constexpr const char* kPassword = "kmsPswd-1";
inline constexpr const char* kCluster = "cluster-abcdefg2345";
inline constexpr const char* kOtherCluster = "cluster-hijklmn2345";  // related to kCluster
inline constexpr const char* kThirdCluster = "cluster-opqrstu2345";  // unrelated

/// A self-signed certificate.
struct Certificate {
  explicit Certificate(const std::string& name);
  std::string pem;
  Bytes der;
};

class TestClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return now_; }
  void advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  Timestamp now_{std::chrono::milliseconds{1'700'000'000'000}};
};

/// The key stores of a process on real tokens, behind the fault-injecting module, with a real
/// database. Two Regions and three clusters, each a token of its own.
class KeyStoresTest : public ::testing::Test {
 protected:
  KeyStoresTest();
  ~KeyStoresTest() override;

  /// Begins a new run of the daemon on the same tokens and database.
  void start();
  /// The same, while the tokens may still be being opened.
  void begin();
  void stop();
  void restart() {
    stop();
    start();
  }

  /// Tokens that do not answer are given up soon.
  void be_impatient() { config_.limits.request_deadline = std::chrono::seconds{1}; }
  [[nodiscard]] keystores::KeyStores& stores() { return *stores_; }
  [[nodiscard]] storage::MetadataStore& db() { return *db_; }
  static pkcs11_proxy::Control& proxy();
  [[nodiscard]] static keystores::Deadline soon();

  [[nodiscard]] keystores::KeyStores::NewStore request(
      const std::string& name = "store", const std::string& cluster = kCluster,
      const std::string& password = kPassword) const;
  /// The new store's id, or the wire code of the refusal.
  std::string create(const std::string& name = "store", const std::string& cluster = kCluster,
                     const std::string& password = kPassword);
  std::string create(keystores::KeyStores::NewStore request);
  /// "OK" or the wire code of the refusal.
  std::string connect(const std::string& id);
  std::string disconnect(const std::string& id);
  std::string update(const std::string& id, keystores::KeyStores::StoreUpdate update);
  std::string remove(const std::string& id);
  std::string set_password(const std::string& id, const std::string& password);
  /// Begins to connect and waits for the outcome: see state().
  std::string connected(const std::string& id);
  std::string disconnected(const std::string& id);
  /// "CONNECTED", "FAILED INVALID_CREDENTIALS", ...
  [[nodiscard]] std::string state(const std::string& id);
  /// Waits for that state.
  [[nodiscard]] bool reaches(const std::string& id, const std::string& state);

  /// A new enabled key, made as CreateKey makes one.
  keys::KeyPtr make_key(const std::string& store_id = {},
                        pkcs11::KeyKind kind = pkcs11::KeyKind::aes_256);
  [[nodiscard]] keys::KeyPtr fresh(const keys::KeyPtr& key);
  [[nodiscard]] static keys::AuthorizedKey authorized(keys::KeyPtr key);
  /// The ciphertext of "plain", or the error: "400 KMSInvalidStateException: ...".
  std::string encrypt(const keys::KeyPtr& key, Bytes* blob = nullptr,
                      std::chrono::milliseconds within = std::chrono::seconds{60});
  /// The plaintext, "(not authentic)" or the error.
  std::string decrypt(const keys::KeyPtr& key, const Bytes& blob,
                      std::chrono::milliseconds within = std::chrono::seconds{60});
  /// What a call throws, as the client sees it.
  static std::string outcome(const std::function<void()>& call);

  SoftHsm hsm_;
  TempDir dir_;
  std::vector<Certificate> certificates_;
  config::Config config_;
  TestClock clock_;
  SystemRandom random_;

 private:
  std::unique_ptr<pkcs11::Modules> modules_;
  std::unique_ptr<storage::MetadataStore> db_;
  std::unique_ptr<keystores::KeyStores> stores_;
};

}  // namespace kms::test
