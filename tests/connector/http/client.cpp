#include "tests/connector/http/client.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "connector/api/request.h"
#include "tests/support/connected_socket.h"
#include "tests/support/receive.h"

namespace kms::test {
namespace {

int connect_to(std::uint16_t port) {
  const int fd = connected_socket(port, std::chrono::seconds(50));
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "connect");
  return fd;
}

std::string pem_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

std::optional<std::string> Answer::header(std::string_view name) const {
  std::string_view rest = headers;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && api::same_header(line.substr(0, colon), name)) {
      return std::string(line.substr(line.find_first_not_of(" \t", colon + 1)));
    }
    rest.remove_prefix(line.size() + 2);
  }
  return std::nullopt;
}

Client::Client(std::uint16_t port) : fd_(connect_to(port)), connected_(true) {}

Client::Client(std::uint16_t port, const TlsOffer& offer) : fd_(connect_to(port)) {
  std::signal(SIGPIPE, SIG_IGN);
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context_.get(),
                             0);  // old versions and suites are to be offered, not found
  SSL_CTX_set_min_proto_version(context_.get(), offer.min_version);
  SSL_CTX_set_max_proto_version(context_.get(), offer.max_version);
  if (!offer.suites12.empty() &&
      SSL_CTX_set_cipher_list(context_.get(), offer.suites12.c_str()) != 1) {
    throw std::invalid_argument("no such suite: " + offer.suites12);
  }
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_);
  if (!offer.server_name.empty()) {
    std::string name = offer.server_name;
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  do {
    errno = 0;
    connected_ = SSL_connect(ssl_.get()) == 1;
  } while (!connected_ && errno == EINTR);
}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      connected_(other.connected_),
      context_(std::move(other.context_)),
      ssl_(std::move(other.ssl_)),
      received_(std::move(other.received_)) {}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    ssize_t sent = 0;
    if (ssl_ != nullptr) {
      sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    } else {
      sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Client::fill() { return receive_some(fd_, ssl_.get(), received_); }

std::optional<Answer> Client::receive(bool head_only) {
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  Answer answer;
  const std::string head = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  answer.version = head.substr(0, 8);
  answer.status = std::stoi(head.substr(9, 3));
  answer.headers = head.substr(head.find("\r\n") + 2);
  const auto length = answer.header("Content-Length");
  const std::size_t size = head_only || !length ? 0 : std::stoul(*length);
  while (received_.size() < size) {
    if (!fill()) return std::nullopt;
  }
  answer.body = received_.substr(0, size);
  received_.erase(0, size);
  return answer;
}

bool Client::ended() { return received_.empty() && !fill(); }

bool Client::readable(std::chrono::milliseconds time) const {
  pollfd polled{fd_, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(time.count())) == 1;
}

Certificate make_certificate() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::array<unsigned char, 9> host{'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't'};
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host.data(), host.size(), -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  BIO* certificate_pem = BIO_new(BIO_s_mem());
  BIO* key_pem = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_pem, certificate);
  PEM_write_bio_PrivateKey(key_pem, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {pem_of(certificate_pem), pem_of(key_pem)};
}

}  // namespace kms::test
