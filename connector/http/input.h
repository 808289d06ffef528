#pragma once

#include <cstddef>
#include <string_view>

#include "connector/base/bytes.h"
#include "connector/http/head.h"
#include "connector/http/stream.h"

namespace kms::http {

/// Thrown when a request cannot be read to its end: the connection ended, or (io is `done`) the
/// request is refused.
struct Ended final {
  Io io;
  Refusal refusal;
};

/// What a connection has received and nobody has read yet; wiped as it is consumed, for it may hold
/// plaintext.
class Input final {
 public:
  /// `stop_fd`: see Stream.
  Input(Stream& stream, int stop_fd) : stream_(stream), stop_fd_(stop_fd) {}

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// Reads a request's head. Throws Ended.
  Head read_head(Instant deadline);
  /// Reads the body that the head announces, of `limit` bytes at most, into memory that is wiped.
  /// Throws Ended.
  SecretBytes read_body(const Head& head, std::size_t limit, Instant deadline);

 private:
  void fill(Instant deadline);
  std::string_view line(std::size_t longest, Instant deadline);
  void append_to(SecretBytes& body, std::size_t count, Instant deadline);
  SecretBytes read_chunks(std::size_t limit, Instant deadline);
  void consume(std::size_t count) noexcept;
  [[nodiscard]] std::string_view text() const noexcept {
    return buffer_.text().substr(begin_, end_ - begin_);
  }

  Stream& stream_;
  int stop_fd_;
  SecretBytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace kms::http
