#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <string>

#include "config/config.h"
#include "connector/base/bytes.h"
#include "connector/http/server.h"
#include "connector/service/metrics.h"
#include "tests/support/temp_dir.h"

namespace kms::test {

/// Where a handler waits until a test lets it go on.
class Gate final {
 public:
  void pass();
  /// Waits until so many wait at the gate; false after some seconds.
  bool wait_for(std::size_t waiting);
  /// Lets all pass, from now on.
  void open();

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ KMS_GUARDED_BY(mutex_) = 0;
  bool open_ KMS_GUARDED_BY(mutex_) = false;
};

/// The configuration of a server on free ports, with time-outs that no test waits out by mistake.
[[nodiscard]] config::Config server_config();

/// A server whose handler tells the request back: "METHOD URI BODY". A body "wait" waits at the
/// gate, "throw" throws.
class TestServer final {
 public:
  explicit TestServer(const config::Config& config = server_config());
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  TestServer(TestServer&&) = delete;
  TestServer& operator=(TestServer&&) = delete;

  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  [[nodiscard]] http::Server& server() { return *server_; }
  [[nodiscard]] service::Metrics& metrics() { return metrics_; }
  /// The value of a line of the metrics, or "" if there is none.
  [[nodiscard]] std::string metric(const std::string& name) const;
  /// Waits until the admin listener tells of so many connections.
  void await_connections(int count) const;
  /// The last request that the handler saw, but for its body.
  [[nodiscard]] api::Request last() const;
  /// Ends the server.
  void stop() { server_.reset(); }

  Gate gate;
  bool ready = true;
  std::atomic<int> token_looks = 0;  // how often the tokens were asked

 private:
  api::Response handle(api::Request& request);

  service::Metrics metrics_;
  mutable Mutex mutex_;
  api::Request last_ KMS_GUARDED_BY(mutex_);
  std::unique_ptr<http::Server> server_;
};

/// A configuration with a TLS listener, whose files are in `dir`.
[[nodiscard]] config::Config tls_config(const TempDir& dir);

/// A POST with this body and the headers given, "Name: value\r\n" each.
[[nodiscard]] std::string post(std::string_view body, std::string_view headers = {});

}  // namespace kms::test
