#pragma once

#include <Poco/Net/StreamSocket.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "connector/api/request.h"
#include "connector/base/bytes.h"
#include "connector/http/tls.h"

namespace kms::http {

using Instant = std::chrono::steady_clock::time_point;

/// How reading or writing ended.
enum class Io : std::uint8_t {
  done,
  closed,     // by the peer, or a broken connection
  timed_out,  // the deadline passed
  stopped,    // the server wants this connection to end
};

/// What one attempt that never waits came to.
enum class Step : std::uint8_t { done, want_read, want_write, closed };

/// A connection, plain or TLS, that is never waited for nor read beyond a deadline: however slowly
/// or steadily the peer feeds it, the deadline of a call is its total. `stop_fd` is a file
/// descriptor that becomes readable when waiting shall end.
class Stream final {
 public:
  /// `tls` null: plain. The handshake is still to be made.
  Stream(const Poco::Net::StreamSocket& socket, const TlsContext* tls);
  ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream(Stream&&) = delete;
  Stream& operator=(Stream&&) = delete;

  Step handshake_step() noexcept;
  /// At least one byte when `done`.
  Step read_step(std::span<std::uint8_t> into, std::size_t& count) noexcept;
  Step write_step(ByteView from, std::size_t& count) noexcept;

  Io handshake(Instant deadline, int stop_fd) noexcept;
  /// Waits until there is something to read, or the connection is closed; or until one of two wants
  /// it to end.
  Io wait_readable(Instant deadline, int stop_fd, int other_stop_fd) noexcept;
  /// Reads what there is, at least one byte.
  Io read_some(std::span<std::uint8_t> into, std::size_t& count, Instant deadline,
               int stop_fd) noexcept;
  Io write_all(ByteView from, Instant deadline, int stop_fd) noexcept;
  /// Tells the peer that nothing more will come.
  void finish_writing() noexcept;
  /// Reads and drops what the peer still sends, so that closing does not reset the connection under
  /// the answer that it has not read yet.
  void linger(Instant deadline, int stop_fd) noexcept;
  /// The same for what has come already; false when the peer has closed, else `wanted` is
  /// want_read.
  bool drop_pending(Step& wanted) noexcept;

  /// What was negotiated; nullopt for a plain connection.
  [[nodiscard]] std::optional<api::TlsInfo> tls_info() const;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  Step step_of(int result) noexcept;
  Io wait(Step wanted, Instant deadline, int stop_fd, int other_stop_fd = -1) const noexcept;

  Poco::Net::StreamSocket socket_;  // owns the descriptor
  int fd_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace kms::http
