#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "connector/service/metrics.h"
#include "connector/service/service.h"

namespace kms::http {

/// What the admin listener shows.
struct Admin {
  /// Asks the tokens, so once for each look at /readyz and /metrics and for nothing else; may be
  /// empty.
  std::function<std::vector<keystores::TokenStatus>()> tokens;
  service::Metrics* metrics = nullptr;
};

/// The API's listeners, around a Service, and the admin listener.
class Server {
 public:
  using Handler = std::function<api::Response(api::Request&)>;

  /// Binds every listener, so that connections are queued by the system until start(); throws
  /// std::runtime_error naming the address that could not be bound or the TLS file that could not
  /// be used.
  Server(const config::Config& config, Handler handler, Admin admin);
  Server(const config::Config& config, service::Service& service, Admin admin)
      : Server(
            config, [&service](api::Request& request) { return service.handle(request); },
            std::move(admin)) {}
  /// Stops at once what drain() has not ended, but for requests that are inside the service: those
  /// it waits for.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  /// Accepts no more, lets requests under way end, up to limits.drain_timeout.
  void drain();
  /// "http://127.0.0.1:8080" of each API listener, with the port really bound.
  [[nodiscard]] std::vector<std::string> urls() const;
  [[nodiscard]] std::uint16_t admin_port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::http
