#pragma once

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/service/application.h"
#include "tests/support/signer.h"
#include "tests/support/softhsm.h"
#include "tests/support/temp_dir.h"

namespace kms::test {

inline constexpr const char* kAccount = "123456789012";
inline constexpr const char* kOtherAccount = "111122223333";
inline constexpr const char* kStorePassword = "kmsPswd-1";
inline constexpr const char* kCluster = "cluster-abcdefg2345";
inline constexpr const char* kOtherCluster = "cluster-hijklmn2345";

/// An answer with its body parsed.
struct Answer {
  int status = 0;
  api::Headers headers;
  std::string body;
  rapidjson::Document json;

  /// "200", or "400 NotFoundException: <message>" ("-" where the body has no message member).
  [[nodiscard]] std::string outcome() const;
  /// The text at a path such as "KeyMetadata.KeyId"; "(absent)" if there is none, JSON for what is
  /// no string.
  [[nodiscard]] std::string at(std::string_view path) const;
};

/// The development configuration in little: two Regions and two clusters on one SoftHSM, three
/// callers, everything real but the sockets.
class Harness {
 public:
  Harness();
  ~Harness();

  /// Stops the service and starts it again on the same files.
  void restart();
  void stop() { application_.reset(); }
  void start();
  /// The same, while tokens may not be there.
  void begin();
  /// Changes the configuration for the next start.
  config::Config& config() { return config_; }
  [[nodiscard]] SoftHsm& hsm() { return hsm_; }
  [[nodiscard]] service::Application& application() { return *application_; }

  Answer call(std::string_view operation, std::string_view body,
              const Credentials& caller = admin(), const std::string& region = "us-east-1");
  Answer handle(api::Request& request);
  /// Calls and asserts 200.
  Answer ok(std::string_view operation, std::string_view body);
  /// A new symmetric key's id.
  std::string create_key(std::string_view body = "{}");
  /// A key store that is CONNECTED on the first cluster.
  std::string connected_store(const std::string& name = "store");
  std::string create_store_body(const std::string& name, const std::string& cluster = kCluster,
                                const std::string& password = kStorePassword) const;
  /// Waits until the store's ConnectionState is this one.
  void await_state(const std::string& store_id, const std::string& state);

  /// The audit records written so far, in order.
  std::vector<std::string> audit_lines();
  [[nodiscard]] static Timestamp now();
  [[nodiscard]] std::string arn(const std::string& key_id) const;

 private:
  SoftHsm hsm_;
  TempDir dir_;
  config::Config config_;
  std::unique_ptr<service::Application> application_;
};

/// A test suite whose tests share one Harness. It ends with the suite: two of them at once would
/// meet in the one SoftHSM of the process.
class ServiceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { harness_ = std::make_unique<Harness>(); }
  static void TearDownTestSuite() { harness_.reset(); }
  static Harness& kms() { return *harness_; }

 private:
  inline static std::unique_ptr<Harness> harness_;
};

/// The JSON string literal of base64 of the bytes.
std::string base64_json(std::string_view bytes);
std::string decode_base64(std::string_view text);

}  // namespace kms::test
