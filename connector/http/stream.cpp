#include "connector/http/stream.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

namespace kms::http {
namespace {

constexpr std::size_t kLargestTransfer = std::size_t{1} << 20;

int milliseconds_until(Instant deadline) noexcept {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(3600000)).count());
}

Step step_of_errno(Step wanted) noexcept {
  return errno == EAGAIN || errno == EINTR ? wanted : Step::closed;
}

}  // namespace

Stream::Stream(const Poco::Net::StreamSocket& socket, const TlsContext* tls)
    : socket_(socket), fd_(socket.impl()->sockfd()) {
  socket_.setBlocking(false);
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls->get()));
  if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), fd_) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

Step Stream::step_of(int result) noexcept {
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) return Step::want_read;
  if (error == SSL_ERROR_WANT_WRITE) return Step::want_write;
  return Step::closed;
}

Step Stream::handshake_step() noexcept {
  if (ssl_ == nullptr) return Step::done;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Step::done : step_of(result);
}

Step Stream::read_step(std::span<std::uint8_t> into, std::size_t& count) noexcept {
  const std::size_t size = std::min(into.size(), kLargestTransfer);
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), into.data(), static_cast<int>(size));
    if (result <= 0) return step_of(result);
    count = static_cast<std::size_t>(result);
    return Step::done;
  }
  const ssize_t received = ::recv(fd_, into.data(), size, 0);
  if (received < 0) return step_of_errno(Step::want_read);
  if (received == 0) return Step::closed;
  count = static_cast<std::size_t>(received);
  return Step::done;
}

Step Stream::write_step(ByteView from, std::size_t& count) noexcept {
  const std::size_t size = std::min(from.size(), kLargestTransfer);
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_write(ssl_.get(), from.data(), static_cast<int>(size));
    if (result <= 0) return step_of(result);
    count = static_cast<std::size_t>(result);
    return Step::done;
  }
  const ssize_t sent = ::send(fd_, from.data(), size, MSG_NOSIGNAL);
  if (sent < 0) return step_of_errno(Step::want_write);
  count = static_cast<std::size_t>(sent);
  return Step::done;
}

Io Stream::wait(Step wanted, Instant deadline, int stop_fd, int other_stop_fd) const noexcept {
  const short events = wanted == Step::want_write ? POLLOUT : POLLIN;
  // poll() passes over negative descriptors.
  std::array<pollfd, 3> polled{pollfd{fd_, events, 0}, pollfd{stop_fd, POLLIN, 0},
                               pollfd{other_stop_fd, POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(polled.data(), polled.size(), milliseconds_until(deadline));
    if (ready < 0) {
      if (errno == EINTR) continue;
      return Io::closed;
    }
    // What the peer has sent already is served even when the server wants to end.
    if (polled[0].revents != 0) return Io::done;
    if (polled[1].revents != 0 || polled[2].revents != 0) return Io::stopped;
    if (std::chrono::steady_clock::now() >= deadline) return Io::timed_out;
  }
}

Io Stream::handshake(Instant deadline, int stop_fd) noexcept {
  for (;;) {
    const Step step = handshake_step();
    if (step == Step::done) return Io::done;
    if (step == Step::closed) return Io::closed;
    if (const Io io = wait(step, deadline, stop_fd); io != Io::done) return io;
  }
}

Io Stream::wait_readable(Instant deadline, int stop_fd, int other_stop_fd) noexcept {
  if (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0) return Io::done;
  return wait(Step::want_read, deadline, stop_fd, other_stop_fd);
}

Io Stream::read_some(std::span<std::uint8_t> into, std::size_t& count, Instant deadline,
                     int stop_fd) noexcept {
  for (;;) {
    // A peer that always has something to read is not waited for, and has its time all the same.
    if (std::chrono::steady_clock::now() >= deadline) return Io::timed_out;
    const Step step = read_step(into, count);
    if (step == Step::done) return Io::done;
    if (step == Step::closed) return Io::closed;
    if (const Io io = wait(step, deadline, stop_fd); io != Io::done) return io;
  }
}

Io Stream::write_all(ByteView from, Instant deadline, int stop_fd) noexcept {
  while (!from.empty()) {
    std::size_t count = 0;
    const Step step = write_step(from, count);
    if (step == Step::closed) return Io::closed;
    if (step == Step::done) {
      from = from.subspan(count);
      continue;
    }
    if (const Io io = wait(step, deadline, stop_fd); io != Io::done) return io;
  }
  return Io::done;
}

void Stream::finish_writing() noexcept {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

bool Stream::drop_pending(Step& wanted) noexcept {
  std::array<std::uint8_t, 4096> dropped;
  // A bounded number of reads: a peer that never stops sending must not keep its caller here.
  for (int i = 0; i < 64; ++i) {
    const ssize_t received = ::recv(fd_, dropped.data(), dropped.size(), 0);
    if (received > 0) continue;
    wanted = received == 0 ? Step::closed : step_of_errno(Step::want_read);
    break;
  }
  OPENSSL_cleanse(dropped.data(), dropped.size());
  return wanted != Step::closed;
}

void Stream::linger(Instant deadline, int stop_fd) noexcept {
  Step wanted = Step::want_read;
  while (drop_pending(wanted) && wait(Step::want_read, deadline, stop_fd) == Io::done &&
         std::chrono::steady_clock::now() < deadline) {
  }
}

std::optional<api::TlsInfo> Stream::tls_info() const {
  if (ssl_ == nullptr) return std::nullopt;
  api::TlsInfo info{.version = SSL_get_version(ssl_.get()),
                    .cipher = SSL_get_cipher_name(ssl_.get()),
                    .server_name = std::nullopt,
                    .key_exchange = std::nullopt};
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
    info.server_name = name;
  }
  const long group = SSL_get_negotiated_group(ssl_.get());
  if (const char* name =
          group > 0 ? SSL_group_to_name(ssl_.get(), static_cast<int>(group)) : nullptr) {
    info.key_exchange = name;
  }
  return info;
}

}  // namespace kms::http
