#include "connector/http/connection.h"

#include <exception>
#include <utility>

#include "connector/base/log.h"

namespace kms::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kKeptOutput = 16 * 1024;

}  // namespace

Connection::Connection(const Poco::Net::StreamSocket& socket, Site& site, const TlsContext* tls)
    : TCPServerConnection(socket), site_(site), tls_(tls) {}

Connection::~Connection() {
  stream_.reset();
  try {
    socket().close();
  } catch (...) {  // a socket that cannot be closed any more is closed
  }
  site_.leave();
}

void Connection::run() {
  site_.slots.acquire();
  // Poco drops a connection silently when a std::exception leaves here.
  try {
    serve();
  } catch (const std::exception& e) {
    log(LogLevel::error, "http", std::string("connection ended: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "http", "connection ended by an unknown exception");
  }
  site_.slots.release();
}

void Connection::serve() {
  peer_address_ = socket().peerAddress().host().toString();
  stream_.emplace(socket(), tls_);
  input_.emplace(*stream_, site_.aborted.fd());
  // A fresh connection has the time of a request's head for its handshake and its first request.
  const Instant first = steady_clock::now() + site_.limits.header_timeout;
  const Io io = stream_->handshake(first, site_.aborted.fd());
  if (io != Io::done) {
    if (io != Io::stopped) site_.count_refusal("tls");
    return;
  }
  tls_info_ = stream_->tls_info();
  if (!wait_for_request(first, false) || !exchange(first)) return;
  while (wait_for_request(steady_clock::now() + site_.limits.idle_timeout, true)) {
    if (!exchange(steady_clock::now() + site_.limits.header_timeout)) return;
  }
}

/// Whether a request has begun to come. A connection that sends none just ends: by time, because
/// the server drains, or, once it has had an answer, for another to have its thread.
bool Connection::wait_for_request(Instant deadline, bool answered) {
  if (!input_->empty()) return true;
  const int wanted_fd = answered ? site_.wanted_fd() : -1;
  for (;;) {
    const Io io = stream_->wait_readable(deadline, site_.draining.fd(), wanted_fd);
    if (io == Io::done) return true;
    if (io == Io::stopped && !site_.draining.raised() && !site_.is_wanted()) continue;
    stream_->finish_writing();
    return false;
  }
}

/// One request and its answer; whether another may follow.
bool Connection::exchange(Instant deadline) {
  Head head;
  api::Request request;
  try {
    head = input_->read_head(deadline);
    request.body = input_->read_body(head, site_.limits.max_body_bytes, deadline);
  } catch (const Ended& ended) {
    if (ended.refusal.status != 0) refuse(ended.refusal, deadline);
    return false;
  }
  request.method = std::move(head.method);
  request.uri = std::move(head.uri);
  request.headers = std::move(head.headers);
  request.peer_address = peer_address_;
  request.tls = tls_info_;
  head.method = request.method;

  const api::Response response = answer(request);
  const bool close = !head.keep_alive || site_.draining.raised() || site_.crowded();
  const bool written =
      write(response, head, close, steady_clock::now() + site_.limits.header_timeout);
  if (close) stream_->finish_writing();
  return written && !close;
}

api::Response Connection::answer(api::Request& request) const noexcept {
  try {
    return site_.handler(request);
  } catch (const std::exception& e) {
    log(LogLevel::error, "http", std::string("request failed: ") + e.what());
  } catch (...) {
    log(LogLevel::error, "http", "request failed by an unknown exception");
  }
  api::Response response = bare_response(500);
  response.headers.add("Content-Type", "application/x-amz-json-1.1");
  response.body = SecretBytes::copy_of(std::string_view(R"({"__type":"KMSInternalException"})"));
  return response;
}

/// Head and body in one piece: in two, they would cost a second system call, and a delay where
/// Nagle meets a delayed ACK.
bool Connection::write(const api::Response& response, const Head& head, bool close,
                       Instant deadline) {
  const std::string lines = response_head(response, close, head.http_1_1);
  output_.reserve(lines.size() + response.body.size());
  output_.append(lines);
  if (head.method != "HEAD") output_.append(response.body.view());
  const Io io = stream_->write_all(output_.view(), deadline, site_.aborted.fd());
  if (output_.size() > kKeptOutput) {
    output_ = SecretBytes();
  } else {
    output_.clear();
  }
  return io == Io::done;
}

void Connection::refuse(const Refusal& refusal, Instant deadline) {
  site_.count_refusal(refusal.reason);
  const Instant end = std::max(deadline, steady_clock::now() + kLinger);
  if (!write(bare_response(refusal.status), Head{}, true, end)) return;
  stream_->finish_writing();
  stream_->linger(steady_clock::now() + kLinger, site_.draining.fd());
}

}  // namespace kms::http
