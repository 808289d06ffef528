#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kms::test {

/// One answer as read off the wire.
struct Answer {
  std::string version;
  int status = 0;
  std::string headers;  // the lines, as sent
  std::string body;

  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// What a TLS client offers.
struct TlsOffer {
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string suites12{};  // empty: OpenSSL's default
  std::string server_name{};
};

/// A client that sends exactly the bytes it is told to. All waiting ends after some seconds, as a
/// test failure.
class Client final {
 public:
  explicit Client(std::uint16_t port);
  Client(std::uint16_t port, const TlsOffer& offer);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;

  /// Whether the TLS handshake succeeded.
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }
  /// False when the server has closed.
  bool send(std::string_view bytes) const;
  /// The next answer; nullopt if the connection ends first. `head_only`: of a HEAD request.
  std::optional<Answer> receive(bool head_only = false);
  /// Whether the connection ends, orderly or not, before another byte comes.
  bool ended();
  /// One byte more is there within the time.
  [[nodiscard]] bool readable(std::chrono::milliseconds time) const;

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  bool fill();

  int fd_ = -1;
  bool connected_ = false;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string received_;
};

/// A self-signed certificate and its key, as PEM.
struct Certificate {
  std::string certificate;
  std::string private_key;
};
/// RSA, so that the suites without forward secrecy could be chosen if they were offered.
[[nodiscard]] Certificate make_certificate();

}  // namespace kms::test
