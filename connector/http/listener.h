#pragma once

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"
#include "connector/http/refusals.h"
#include "connector/http/site.h"
#include "connector/http/tls.h"

namespace kms::http {

/// Poco's TCPServer on one address, whose connections are served by a Site or refused.
class Listener final {
 public:
  /// Binds, and listens from then on; throws std::runtime_error naming the address, or the TLS
  /// file, at fault.
  Listener(const config::Listener& config, Site& site, Refusals& refusals);
  /// The site's connections are to be ended before, or this waits for them.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;

  void start();
  /// New connections are refused by the system.
  void stop_accepting() noexcept;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  config::Listener config_;
  std::optional<TlsContext> tls_;
  Poco::Net::ServerSocket socket_;
  std::uint16_t port_;
  Poco::ThreadPool threads_;  // outlives the server, whose connections it runs
  std::optional<Poco::Net::TCPServer> server_;
};

}  // namespace kms::http
