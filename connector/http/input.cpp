#include "connector/http/input.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace kms::http {
namespace {

constexpr std::size_t kBuffer = 4096;
constexpr std::size_t kStride = 16 * 1024;
constexpr std::size_t kMaxChunkLine = 256;
constexpr std::size_t kMaxTrailers = 4096;

[[noreturn]] void refuse(int status, std::string_view reason) {
  throw Ended{Io::done, {status, reason}};
}

}  // namespace

void Input::consume(std::size_t count) noexcept {
  OPENSSL_cleanse(buffer_.data() + begin_, count);
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

/// Receives at least one byte more.
void Input::fill(Instant deadline) {
  if (buffer_.empty()) buffer_.resize(kBuffer);
  if (end_ == buffer_.size()) {
    if (begin_ != 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      OPENSSL_cleanse(buffer_.data() + (end_ - begin_), begin_);
      end_ -= begin_;
      begin_ = 0;
    } else {
      buffer_.resize(buffer_.size() * 2);  // bounded by those who wait for the end of something
    }
  }
  std::size_t count = 0;
  const Io io = stream_.read_some(buffer_.span().subspan(end_), count, deadline, stop_fd_);
  if (io == Io::timed_out) throw Ended{Io::timed_out, {408, "timeout"}};
  if (io != Io::done) throw Ended{io, {}};
  end_ += count;
}

Head Input::read_head(Instant deadline) {
  std::size_t line = 0;     // where the line being looked at begins
  std::size_t scanned = 0;  // holds no line feed from `line` up to here
  bool skipped = false;     // an empty line before the request
  for (;;) {
    const std::string_view all = text();
    const std::size_t feed = all.find('\n', scanned);
    if (std::min(feed, all.size()) > kMaxHeadBytes) refuse(431, "headers");
    if (feed == std::string_view::npos) {
      scanned = all.size();
      fill(deadline);
      continue;
    }
    // Told at once: who ends lines by LF alone would else learn of it by a time-out.
    if (feed == line || all[feed - 1] != '\r') refuse(400, "malformed");
    const bool empty_line = feed - line == 1;
    line = scanned = feed + 1;
    if (!empty_line) continue;
    if (line == 2) {  // before the request: one is tolerated (RFC 9112, 2.2)
      if (skipped) refuse(400, "malformed");
      skipped = true;
      consume(2);
      line = scanned = 0;
      continue;
    }
    auto parsed = parse_head(all.substr(0, line));
    if (const auto* refusal = std::get_if<Refusal>(&parsed)) throw Ended{Io::done, *refusal};
    consume(line);
    return std::get<Head>(std::move(parsed));
  }
}

SecretBytes Input::read_body(const Head& head, std::size_t limit, Instant deadline) {
  if (!head.chunked && head.length > limit) refuse(413, "body");
  if (head.expects_continue && empty() && (head.chunked || head.length != 0)) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const Io io = stream_.write_all(as_bytes(kContinue), deadline, stop_fd_);
    if (io != Io::done) throw Ended{io, {408, "timeout"}};
  }
  if (head.chunked) return read_chunks(limit, deadline);
  SecretBytes body;
  body.reserve(head.length);
  append_to(body, head.length, deadline);
  return body;
}

/// Moves the next `count` bytes to the body: first what is buffered, then from the stream straight
/// into it. Memory is touched only as bytes come, whatever length was announced.
void Input::append_to(SecretBytes& body, std::size_t count, Instant deadline) {
  const std::size_t buffered = std::min(count, end_ - begin_);
  body.append(buffer_.view().subspan(begin_, buffered));
  if (buffered != 0) consume(buffered);
  count -= buffered;
  while (count != 0) {
    const std::size_t size = body.size();
    body.resize(size + std::min(count, kStride));
    std::size_t received = 0;
    const Io io = stream_.read_some(body.span().subspan(size), received, deadline, stop_fd_);
    if (io == Io::timed_out) throw Ended{io, {408, "timeout"}};
    if (io != Io::done) throw Ended{io, {}};
    body.resize(size + received);
    count -= received;
  }
}

/// The next line, without its end, as a view that lasts until the next call; consumed.
std::string_view Input::line(std::size_t longest, Instant deadline) {
  for (;;) {
    const std::string_view all = text();
    const std::size_t feed = all.find('\n');
    if (std::min(feed, all.size()) > longest) refuse(400, "malformed");
    if (feed != std::string_view::npos) {
      const std::string_view found = all.substr(0, feed);
      if (!found.ends_with('\r')) refuse(400, "malformed");
      // Not wiped: framing is no secret.
      begin_ += feed + 1;
      return found.substr(0, found.size() - 1);
    }
    fill(deadline);
  }
}

SecretBytes Input::read_chunks(std::size_t limit, Instant deadline) {
  SecretBytes body;
  for (;;) {
    const std::string_view announced = line(kMaxChunkLine, deadline);
    std::size_t size = 0;
    const auto [end, error] =
        std::from_chars(announced.data(), announced.data() + announced.size(), size, 16);
    if (error == std::errc::invalid_argument) refuse(400, "malformed");
    if (end != announced.data() + announced.size() && *end != ';') refuse(400, "malformed");
    if (error == std::errc::result_out_of_range || size > limit - body.size()) refuse(413, "body");
    if (size == 0) break;
    append_to(body, size, deadline);
    if (!line(2, deadline).empty()) refuse(400, "malformed");
  }
  std::size_t trailers = 0;
  for (;;) {
    const std::size_t size = line(kMaxTrailers, deadline).size();
    if (size == 0) return body;
    trailers += size;
    if (trailers > kMaxTrailers) refuse(400, "malformed");
  }
}

}  // namespace kms::http
