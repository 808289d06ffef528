#pragma once

#include <openssl/ssl.h>
#include <rapidjson/document.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/process.h"
#include "tests/support/signer.h"
#include "tests/support/softhsm.h"

namespace kms::test {

/// One answer of the daemon as it came over the wire.
struct Reply {
  int status = 0;
  std::string request_id;
  std::string body;

  [[nodiscard]] bool ok() const noexcept { return status == 200; }
  /// The text at an RFC 6901 pointer such as "/KeyMetadata/KeyId"; "" if there is none.
  [[nodiscard]] std::string at(const std::string& pointer) const;
  [[nodiscard]] rapidjson::Document json() const;
};

enum class Transport : std::uint8_t { plain, tls };

/// A keep-alive connection of one caller to 127.0.0.1; the server's certificate is not looked at.
/// One thread at a time.
class ApiClient final {
 public:
  explicit ApiClient(std::uint16_t port, const Credentials& caller = admin(),
                     Transport transport = Transport::plain);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;
  ApiClient(ApiClient&&) = delete;
  ApiClient& operator=(ApiClient&&) = delete;

  /// nullopt if the connection ended before the whole answer had come: what was asked for may have
  /// happened or not.
  std::optional<Reply> call(std::string_view operation, std::string_view body);
  /// Throws unless the answer is 200.
  Reply ok(std::string_view operation, std::string_view body);
  /// An unsigned GET, for the admin listener.
  std::optional<Reply> get(std::string_view path);

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  [[nodiscard]] bool send(const std::string& request) const;
  /// At least one byte more; false when there is none to come.
  bool receive(std::string& received) const;
  std::optional<Reply> exchange(const std::string& request);

  int fd_ = -1;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  Signer signer_;
};

/// The kms-connectord of this build (`binary`) as a process, on a SoftHSM of its own with one
/// Region and one cluster. The state outlives kill() and stop(); start() goes on with it.
class DaemonProcess final {
 public:
  static constexpr const char* kRegion = "us-east-1";
  static constexpr const char* kCluster = "cluster-abcdefg2345";
  static constexpr const char* kStorePassword = "kmsPswd-1";

  struct Options {
    std::string module = SoftHsm::module_path();
    std::map<std::string, std::optional<std::string>> environment{};
    std::string pin = SoftHsm::kUserPin;          // of the Region's token
    std::string store_password = kStorePassword;  // of the cluster's
    std::string limits = "header_timeout: 60s, request_deadline: 60s";
    std::string more_configuration{};
  };
  DaemonProcess(std::string binary, Options options);
  explicit DaemonProcess(std::string binary) : DaemonProcess(std::move(binary), Options{}) {}

  /// Returns when the daemon listens and its tokens are ready.
  void start();
  /// SIGTERM; throws unless the status is 0.
  void stop();
  void kill();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t admin_port() const noexcept { return admin_port_; }
  /// Of the second listener, which serves TLS.
  [[nodiscard]] std::uint16_t tls_port() const;
  [[nodiscard]] const Process& process() const { return *process_; }
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return hsm_.path(); }
  [[nodiscard]] std::filesystem::path audit_file() const { return path() / "audit.jsonl"; }
  [[nodiscard]] SoftHsm& hsm() noexcept { return hsm_; }

  /// Makes a custom key store on the cluster and connects it; its id.
  std::string connected_store(const std::string& name);
  /// The body of CreateCustomKeyStore.
  [[nodiscard]] std::string create_store_body(const std::string& name) const;
  /// Waits until the store's ConnectionState is this one.
  void await_store_state(const std::string& store_id, const std::string& state) const;

 private:
  void await_ready() const;

  std::string binary_;
  Options options_;
  SoftHsm hsm_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

/// A JSON string literal of plain text (no quotes, backslashes or control characters but \n).
[[nodiscard]] std::string json_literal(std::string_view text);

}  // namespace kms::test
