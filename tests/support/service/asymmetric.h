#pragma once

#include <map>
#include <string>
#include <string_view>

#include "connector/base/encodings.h"
#include "connector/keys/algorithms.h"
#include "tests/support/service/harness.h"

// Requests of the operations with asymmetric and MAC keys.
namespace kms::test {

template <class Enum>
std::string name(Enum value) {
  return std::string(api::to_string(value));
}

/// The body of CreateKey.
inline std::string key_of(std::string_view spec, std::string_view usage) {
  return R"({"KeySpec":")" + std::string(spec) + R"(","KeyUsage":")" + std::string(usage) + "\"}";
}

inline std::string id_of(const std::string& key) { return "{\"KeyId\":\"" + key + "\"}"; }

/// {"KeyId":...,"SigningAlgorithm":...,"Message":...,MORE}
inline std::string sign_body(const std::string& key, std::string_view algorithm, ByteView message,
                             const std::string& more = "") {
  return "{\"KeyId\":\"" + key + R"(","SigningAlgorithm":")" + std::string(algorithm) +
         R"(","Message":")" + to_base64(message) + "\"" + more + "}";
}

inline std::string member(std::string_view name, ByteView bytes) {
  return ",\"" + std::string(name) + "\":\"" + to_base64(bytes) + "\"";
}
inline std::string member(std::string_view name, std::string_view text) {
  return ",\"" + std::string(name) + "\":\"" + std::string(text) + "\"";
}

inline Bytes bytes_at(const Answer& answer, std::string_view path) {
  return from_base64(answer.at(path)).value_or(Bytes{});
}

/// A suite whose tests share keys: RSA keys take their time.
class AsymmetricTest : public ServiceTest {
 protected:
  static void TearDownTestSuite() {
    keys_.clear();
    ServiceTest::TearDownTestSuite();
  }
  /// The suite's key of that spec and usage.
  static const std::string& key(const std::string& spec, const std::string& usage) {
    std::string& id = keys_[spec + usage];
    if (id.empty()) id = kms().create_key(key_of(spec, usage));
    return id;
  }
  static Bytes public_key(const std::string& id) {
    return bytes_at(kms().ok("GetPublicKey", id_of(id)), "PublicKey");
  }

 private:
  inline static std::map<std::string, std::string> keys_;
};

}  // namespace kms::test
