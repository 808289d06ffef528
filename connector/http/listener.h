#pragma once

#include <Poco/AutoPtr.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServerDispatcher.h>
#include <Poco/ThreadPool.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "config/config.h"
#include "connector/http/refusals.h"
#include "connector/http/site.h"
#include "connector/http/tls.h"

namespace kms::http {

/// Accepts on one address. What the Site has room for is handed to Poco's dispatcher of connections
/// to threads, the rest is refused. (Poco's own accepting thread cannot stop without dropping the
/// connections in its queue.)
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
  /// Takes what the system has queued already; after that, new connections are refused by the
  /// system.
  void stop_accepting() noexcept;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  void run();
  bool accept_one();

  config::Listener config_;
  Site& site_;
  Refusals& refusals_;
  std::optional<TlsContext> tls_;
  Poco::Net::ServerSocket socket_;
  std::uint16_t port_;
  Signal stopping_;
  Mutex handing_over_;  // held while the accepting thread holds a connection's socket
  Poco::ThreadPool threads_;
  Poco::AutoPtr<Poco::Net::TCPServerDispatcher> dispatcher_;
  std::thread accepting_;
};

}  // namespace kms::http
