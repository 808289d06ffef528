#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kms::bench {

struct Load {
  double per_second = 0;
  double median_seconds = 0;  // of a request
  double p99_seconds = 0;
};

/// Keep-alive connections to 127.0.0.1, each with one request under way at any time; one thread
/// drives all of them, with as little work for a request as there can be.
class Connections final {
 public:
  Connections(std::uint16_t port, std::size_t count);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  Connections(Connections&&) = delete;
  Connections& operator=(Connections&&) = delete;

  /// Sends the request over and over on all of them. Throws with the answer unless each is 200.
  Load run(std::string_view request, std::chrono::milliseconds duration);
  /// Sends the request once on each and tells the bodies of the answers.
  std::vector<std::string> once(std::string_view request);

 private:
  struct Connection {
    int fd = -1;
    std::string received;
    std::chrono::steady_clock::time_point sent{};
  };
  static void send(Connection& connection, std::string_view request);
  static bool receive(Connection& connection);

  int epoll_;
  std::vector<Connection> connections_;
};

}  // namespace kms::bench
