#include "tests/bench/load.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "tests/support/connected_socket.h"

namespace kms::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The bytes of the whole answer, or 0 if it has not come yet.
std::size_t answer_size(std::string_view received) {
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::size_t length = received.substr(0, end).find(kLength);
  if (length == std::string_view::npos)
    throw std::runtime_error("no length: " + std::string(received));
  std::size_t body = 0;
  std::from_chars(received.data() + length + kLength.size(), received.data() + end, body);
  return received.size() >= end + 4 + body ? end + 4 + body : 0;
}

}  // namespace

Connections::Connections(std::uint16_t port, std::size_t count)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), connections_(count) {
  for (std::size_t i = 0; i < count; ++i) {
    connections_[i].fd = test::connected_socket(port, kPatience);
    if (connections_[i].fd < 0) fail("connect");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event) != 0) fail("epoll_ctl");
  }
}

Connections::~Connections() {
  for (const Connection& connection : connections_) ::close(connection.fd);
  ::close(epoll_);
}

void Connections::send(Connection& connection, std::string_view request) {
  connection.received.clear();
  connection.sent = steady_clock::now();
  const ssize_t sent = ::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) fail("send");
}

/// Whether the answer is complete.
bool Connections::receive(Connection& connection) {
  std::array<char, 16384> buffer;
  const ssize_t count = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (count <= 0) fail("recv");
  connection.received.append(buffer.data(), static_cast<std::size_t>(count));
  if (answer_size(connection.received) == 0) return false;
  if (!connection.received.starts_with("HTTP/1.1 200 "))
    throw std::runtime_error(connection.received);
  return true;
}

Load Connections::run(std::string_view request, std::chrono::milliseconds duration) {
  std::vector<double> seconds;
  seconds.reserve(1 << 18);
  const auto begin = steady_clock::now();
  const auto end = begin + duration;
  for (Connection& connection : connections_) send(connection, request);
  std::array<epoll_event, 64> events;
  std::size_t under_way = connections_.size();
  auto now = begin;
  while (under_way != 0) {
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), 20000);
    if (count <= 0) fail("epoll_wait");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      Connection& connection = connections_[events[i].data.u64];
      if (!receive(connection)) continue;
      now = steady_clock::now();
      seconds.push_back(std::chrono::duration<double>(now - connection.sent).count());
      if (now < end) {
        send(connection, request);
      } else {
        --under_way;
      }
    }
  }
  Load load;
  load.per_second =
      static_cast<double>(seconds.size()) / std::chrono::duration<double>(now - begin).count();
  std::ranges::sort(seconds);
  load.median_seconds = seconds[seconds.size() / 2];
  load.p99_seconds = seconds[seconds.size() * 99 / 100];
  return load;
}

std::vector<std::string> Connections::once(std::string_view request) {
  for (Connection& connection : connections_) send(connection, request);
  std::vector<std::string> bodies;
  for (Connection& connection : connections_) {
    while (!receive(connection)) {
    }
    bodies.push_back(connection.received.substr(connection.received.find("\r\n\r\n") + 4));
  }
  return bodies;
}

}  // namespace kms::bench
