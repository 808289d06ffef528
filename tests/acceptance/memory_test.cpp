#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>

#include "connector/base/bytes.h"
#include "connector/base/encodings.h"
#include "tests/acceptance/memory_image.h"
#include "tests/support/daemon_process.h"

// What SECURITY.md says of the daemon's memory ("What remains in memory"), on an image of it.

namespace kms::test {
namespace {

constexpr int kThreads = 4;          // every other over TLS
constexpr std::size_t kRounds = 60;  // of four calls with secrets each, a thread

/// Bytes that are nowhere else.
std::string random_bytes(std::size_t size) {
  static std::random_device device;
  std::string bytes;
  while (bytes.size() < size) bytes += static_cast<char>(device() & 0xFFU);
  return bytes;
}

std::string random_text(std::size_t size) { return to_hex(as_bytes(random_bytes(size / 2))); }

std::string bytes_of(const std::string& base64) {
  const auto bytes = from_base64(base64);
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
}

struct Secret {
  std::string kind;
  std::string value;
};

/// The secrets of one client's requests.
class Caller {
 public:
  Caller(std::uint16_t port, Transport transport) : client_(port, admin(), transport) {}

  void use(const std::string& key) {
    const std::string id = "{\"KeyId\":" + json_literal(key);
    const std::string plaintext = random_bytes(32);
    secrets_.push_back({"plaintext of Encrypt", plaintext});
    const std::string ciphertext =
        client_
            .ok("Encrypt",
                id + ",\"Plaintext\":" + json_literal(to_base64(as_bytes(plaintext))) + "}")
            .at("/CiphertextBlob");
    const Reply decrypted =
        client_.ok("Decrypt", "{\"CiphertextBlob\":" + json_literal(ciphertext) + "}");
    EXPECT_EQ(bytes_of(decrypted.at("/Plaintext")), plaintext);
    const Reply data_key = client_.ok("GenerateDataKey", id + ",\"KeySpec\":\"AES_256\"}");
    secrets_.push_back({"data key", bytes_of(data_key.at("/Plaintext"))});
    client_.ok("Decrypt",
               "{\"CiphertextBlob\":" + json_literal(data_key.at("/CiphertextBlob")) + "}");
    const Reply random = client_.ok("GenerateRandom", "{\"NumberOfBytes\":32}");
    secrets_.push_back({"random number", bytes_of(random.at("/Plaintext"))});
  }

  [[nodiscard]] ApiClient& client() noexcept { return client_; }
  [[nodiscard]] const std::vector<Secret>& secrets() const noexcept { return secrets_; }

 private:
  ApiClient client_;
  std::vector<Secret> secrets_;
};

class MemoryImage : public testing::Test {
 protected:
  MemoryImage() : daemon_(KMS_CONNECTORD, {.pin = pin_, .store_password = password_}) {
    daemon_.start();
  }

  const std::string pin_ = random_text(24);
  const std::string password_ = random_text(24);
  DaemonProcess daemon_;
};

TEST_F(MemoryImage, HoldsNoSecretOfFinishedRequests) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep freed memory as it is, and map more than can be read";
#endif
  const std::string store = daemon_.connected_store("store");
  std::vector<std::string> keys;
  {
    ApiClient client(daemon_.port());
    keys.push_back(client.ok("CreateKey", "{}").at("/KeyMetadata/Arn"));
    keys.push_back(client
                       .ok("CreateKey", "{\"Origin\":\"AWS_CLOUDHSM\",\"CustomKeyStoreId\":" +
                                            json_literal(store) + "}")
                       .at("/KeyMetadata/Arn"));
  }
  std::vector<std::unique_ptr<Caller>> callers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    const bool tls = i % 2 == 1;
    callers.push_back(std::make_unique<Caller>(tls ? daemon_.tls_port() : daemon_.port(),
                                               tls ? Transport::tls : Transport::plain));
    threads.emplace_back([&keys, caller = callers.back().get()] {
      for (std::size_t round = 0; round < kRounds; ++round) caller->use(keys[round % 2]);
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<Secret> secrets{
      {"PIN", pin_}, {"KeyStorePassword", password_}, {"secret access key", admin().secret}};
  for (const auto& caller : callers) {
    secrets.insert(secrets.end(), caller->secrets().begin(), caller->secrets().end());
  }
  std::vector<std::string> forms;
  std::vector<std::size_t> secret_of;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    for (std::string& form : forms_of(secrets[i].value)) {
      forms.push_back(std::move(form));
      secret_of.push_back(i);
    }
  }
  // The search itself is tried: the key's id is in the daemon's memory for sure.
  forms.push_back(keys.front().substr(keys.front().rfind('/') + 1));
  std::size_t ids = 0;
  std::size_t access_keys = 0;
  for (const Finding& finding : find_in_memory(daemon_.process().pid(), forms)) {
    if (finding.secret == forms.size() - 1) {
      ++ids;
    } else if (forms[finding.secret] == admin().secret) {
      ++access_keys;
    } else {
      ADD_FAILURE() << secrets[secret_of[finding.secret]].kind << " in '" << finding.region
                    << "' at " << std::hex << finding.address << ": " << finding.around;
    }
  }
  EXPECT_GT(ids, 0U);
  // The configuration's and the identities' in effect, from which the signing keys of the days to
  // come are derived.
  EXPECT_EQ(access_keys, 2U);
  daemon_.stop();
}

}  // namespace
}  // namespace kms::test
