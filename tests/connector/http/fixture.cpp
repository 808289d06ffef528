#include "tests/connector/http/fixture.h"

#include <chrono>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/connector/http/client.h"

namespace kms::test {

void Gate::pass() {
  MutexLock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  while (!open_) lock.wait(changed_);
  --waiting_;
}

bool Gate::wait_for(std::size_t waiting) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  MutexLock lock(mutex_);
  while (waiting_ < waiting) {
    if (lock.wait_until(changed_, deadline) == std::cv_status::timeout) return false;
  }
  return true;
}

void Gate::open() {
  const MutexLock lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

config::Config server_config() {
  config::Config config;
  config.listeners.push_back({.address = "127.0.0.1", .port = 0, .tls = std::nullopt});
  config.admin = {.address = "127.0.0.1", .port = 0, .tls = std::nullopt};
  config.limits.max_body_bytes = 4096;
  config.limits.max_connections = 8;
  config.limits.queued_connections = 2;
  config.limits.header_timeout = std::chrono::seconds(60);
  config.limits.idle_timeout = std::chrono::seconds(60);
  config.limits.drain_timeout = std::chrono::seconds(60);
  return config;
}

config::Config tls_config(const TempDir& dir) {
  const Certificate made = make_certificate();
  config::Config config = server_config();
  config.listeners.front().tls =
      config::TlsFiles{.certificate = dir.write("server.crt", made.certificate),
                       .private_key = dir.write("server.key", made.private_key)};
  return config;
}

TestServer::TestServer(const config::Config& config) {
  http::Admin admin;
  admin.metrics = &metrics_;
  admin.tokens = [this] {
    ++token_looks;
    return std::vector<keystores::TokenStatus>{
        {.name = "us-east-1", .ready = ready, .detail = ready ? "" : "token_absent", .epoch = 7}};
  };
  server_ = std::make_unique<http::Server>(
      config, [this](api::Request& request) { return handle(request); }, admin);
  server_->start();
}

TestServer::~TestServer() { gate.open(); }

std::uint16_t TestServer::port(std::size_t listener) const {
  const std::string url = server_->urls().at(listener);
  return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

std::string TestServer::metric(const std::string& name) const {
  const std::string text = "\n" + metrics_.expose();
  const std::size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return {};
  const std::size_t value = at + name.size() + 2;
  return text.substr(value, text.find('\n', value) - value);
}

void TestServer::await_connections(int count) const {
  const std::string line = "\nkms_connections " + std::to_string(count) + "\n";
  for (;;) {
    Client admin(server_->admin_port());
    admin.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto answer = admin.receive();
    if (answer && answer->body.find(line) != std::string::npos) return;
  }
}

api::Request TestServer::last() const {
  const MutexLock lock(mutex_);
  return {.method = last_.method,
          .uri = last_.uri,
          .headers = last_.headers,
          .body = {},
          .peer_address = last_.peer_address,
          .tls = last_.tls};
}

api::Response TestServer::handle(api::Request& request) {
  api::Response response;
  response.headers.add("Content-Type", "application/x-amz-json-1.1");
  response.headers.add("x-amzn-RequestId", "1234");
  response.body.append(request.method + " " + request.uri + " ");
  response.body.append(request.body.view());
  const std::string body(request.body.text());
  {
    const MutexLock lock(mutex_);
    last_ = std::move(request);
  }
  if (body == "wait") gate.pass();
  if (body == "throw") throw std::runtime_error("handler");
  return response;
}

std::string post(std::string_view body, std::string_view headers) {
  return "POST / HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace kms::test
