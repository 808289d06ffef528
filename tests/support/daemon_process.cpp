#include "tests/support/daemon_process.h"

#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/connected_socket.h"
#include "tests/support/free_port.h"
#include "tests/support/receive.h"

namespace kms::test {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::string header_of(std::string_view head, std::string_view name) {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(start);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + start.size();
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

std::string configuration(const DaemonProcess::Options& options, std::uint16_t admin_port) {
  const std::string token = "{module: " + options.module + ", label: ";
  return "accounts: [\"123456789012\"]\n"
         "storage: {sqlite: kms.sqlite}\n"
         "audit: {file: audit.jsonl}\n"
         "listeners:\n"
         "  - {port: 0}\n"
         "  - {port: 0, tls: {certificate: server.crt, private_key: server.key}}\n"
         "admin: {port: " +
         std::to_string(admin_port) +
         "}\n"
         "limits: {" +
         options.limits +
         "}\n"
         "jobs: {due_confirmation: 0, max_clock_jump: 0, interval: 20ms}\n"
         "regions:\n"
         "  us-east-1:\n"
         "    token: " +
         token +
         "us-east-1}\n"
         "    pin: {file: pin}\n"
         "clusters:\n"
         "  cluster-abcdefg2345:\n"
         "    account: \"123456789012\"\n"
         "    region: us-east-1\n"
         "    trust_anchor: cluster.crt\n"
         "    token: " +
         token +
         "cluster-abcdefg2345}\n"
         "principals:\n"
         "  \"arn:aws:iam::123456789012:user/admin\":\n"
         "    access_keys: {AKIAIOSFODNN7EXAMPLE: {secret: {file: secret}}}\n"
         "    policy: [{Effect: Allow, Action: \"*\", Resource: \"*\"}]\n" +
         options.more_configuration;
}

void make_certificate(const std::string& name, const std::filesystem::path& key,
                      const std::filesystem::path& certificate) {
  run_ok({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key.string(), "-subj",
                        "/CN=" + name, "-days", "2", "-out", certificate.string()}});
}

void write_private(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file) << text;
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

rapidjson::Document Reply::json() const {
  rapidjson::Document document;
  document.Parse(body.data(), body.size());
  return document;
}

std::string Reply::at(const std::string& pointer) const {
  const rapidjson::Document document = json();
  if (document.HasParseError()) return {};
  const rapidjson::Value* value = rapidjson::Pointer(pointer.c_str()).Get(document);
  if (value == nullptr) return {};
  if (value->IsString()) return {value->GetString(), value->GetStringLength()};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value->Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

ApiClient::ApiClient(std::uint16_t port, const Credentials& caller, Transport transport)
    : fd_(connected_socket(port, kPatience)),
      signer_(caller, "us-east-1", "127.0.0.1:" + std::to_string(port)) {
  if (transport == Transport::plain) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_);
  int connected = 0;
  do {
    errno = 0;
    connected = SSL_connect(ssl_.get());
  } while (connected != 1 && errno == EINTR);
  if (connected != 1) throw std::runtime_error("no TLS handshake");
}

ApiClient::~ApiClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool ApiClient::send(const std::string& request) const {
  if (fd_ < 0) return false;
  const ssize_t sent = ssl_ != nullptr
                           ? SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size()))
                           : ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(request.size());
}

bool ApiClient::receive(std::string& received) const {
  return receive_some(fd_, ssl_.get(), received);
}

std::optional<Reply> ApiClient::exchange(const std::string& request) {
  if (!send(request)) return std::nullopt;
  std::string received;
  while (receive(received)) {
    const std::size_t end = received.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const std::string_view head = std::string_view(received).substr(0, end + 2);
    if (received.size() < end + 4 + std::stoul("0" + header_of(head, "Content-Length"))) continue;
    return Reply{.status = std::stoi(received.substr(9, 3)),
                 .request_id = header_of(head, "x-amzn-RequestId"),
                 .body = received.substr(end + 4)};
  }
  return std::nullopt;
}

std::optional<Reply> ApiClient::call(std::string_view operation, std::string_view body) {
  const api::Request request = signer_.sign(operation, body, SystemClock().now());
  std::string bytes = "POST / HTTP/1.1\r\n";
  for (const api::Header& line : request.headers) bytes += line.name + ": " + line.value + "\r\n";
  return exchange(bytes + "\r\n" + std::string(body));
}

Reply ApiClient::ok(std::string_view operation, std::string_view body) {
  std::optional<Reply> reply = call(operation, body);
  if (!reply) throw std::runtime_error(std::string(operation) + ": the connection ended");
  if (!reply->ok()) throw std::runtime_error(std::string(operation) + ": " + reply->body);
  return std::move(*reply);
}

std::optional<Reply> ApiClient::get(std::string_view path) {
  return exchange("GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

DaemonProcess::DaemonProcess(std::string binary, Options options)
    : binary_(std::move(binary)), options_(std::move(options)) {
  hsm_.add_token(kRegion, options_.pin);
  hsm_.add_token(kCluster, options_.store_password);
  write_private(path() / "pin", options_.pin);
  write_private(path() / "secret", admin().secret);
  make_certificate(kCluster, "/dev/null", path() / "cluster.crt");
  make_certificate("localhost", path() / "server.key", path() / "server.crt");
}

void DaemonProcess::start() {
  admin_port_ = free_port();
  write_private(path() / "config.yaml", configuration(options_, admin_port_));
  Command command{.arguments = {binary_, "--config", (path() / "config.yaml").string()},
                  .environment = options_.environment};
  command.environment["SOFTHSM2_CONF"] = hsm_.configuration().string();
  process_ = std::make_unique<Process>(command);
  const auto line = process_->wait_for_line(
      [](std::string_view text) { return text.starts_with("ready http://"); }, kPatience);
  if (!line) throw std::runtime_error("kms-connectord: " + process_->error_output());
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':') + 1)));
  await_ready();
}

std::uint16_t DaemonProcess::tls_port() const {
  const auto line = process_->wait_for_error_line(
      [](std::string_view text) { return text.find("listening on https://") != text.npos; },
      kPatience);
  if (!line) throw std::runtime_error("no TLS listener: " + process_->error_output());
  return static_cast<std::uint16_t>(std::stoul(line->substr(line->rfind(':') + 1)));
}

void DaemonProcess::await_ready() const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto reply = ApiClient(admin_port_).get("/readyz");
    if (reply && reply->status == 200) return;
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("not ready: " + (reply ? reply->body : "") +
                               process_->error_output());
    }
    std::this_thread::yield();
  }
}

void DaemonProcess::stop() {
  if (const int status = process_->terminate(kPatience); status != 0) {
    throw std::runtime_error("kms-connectord ended with status " + std::to_string(status) + ": " +
                             process_->error_output());
  }
}

void DaemonProcess::kill() { process_->kill(); }

std::string DaemonProcess::create_store_body(const std::string& name) const {
  return "{\"CustomKeyStoreName\":" + json_literal(name) +
         ",\"CloudHsmClusterId\":" + json_literal(kCluster) +
         ",\"TrustAnchorCertificate\":" + json_literal(read_file(path() / "cluster.crt")) +
         ",\"KeyStorePassword\":" + json_literal(options_.store_password) + "}";
}

std::string DaemonProcess::connected_store(const std::string& name) {
  ApiClient client(port_);
  const std::string id =
      client.ok("CreateCustomKeyStore", create_store_body(name)).at("/CustomKeyStoreId");
  client.ok("ConnectCustomKeyStore", "{\"CustomKeyStoreId\":" + json_literal(id) + "}");
  await_store_state(id, "CONNECTED");
  return id;
}

void DaemonProcess::await_store_state(const std::string& store_id, const std::string& state) const {
  ApiClient client(port_);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const Reply reply = client.ok("DescribeCustomKeyStores",
                                  "{\"CustomKeyStoreId\":" + json_literal(store_id) + "}");
    if (reply.at("/CustomKeyStores/0/ConnectionState") == state) return;
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(reply.body);
    std::this_thread::yield();
  }
}

std::string json_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '\n') {
      literal += "\\n";
    } else {
      literal += c;
    }
  }
  return literal + "\"";
}

}  // namespace kms::test
