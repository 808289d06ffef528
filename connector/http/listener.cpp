#include "connector/http/listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "connector/http/connection.h"

namespace kms::http {
namespace {

constexpr int kIdleThreadSeconds = 60;
constexpr int kBacklog = 512;

/// Called by the accepting thread, before the connection is queued. Poco drops what finds its queue
/// full without a word, so nothing gets there that has no room.
class Doorman final : public Poco::Net::TCPServerConnectionFilter {
 public:
  Doorman(Site& site, Refusals& refusals, const TlsContext* tls)
      : site_(site), refusals_(refusals), tls_(tls) {}

  bool accept(const Poco::Net::StreamSocket& socket) override {
    if (site_.admit()) return true;
    site_.count_refusal("connections");
    refusals_.add(socket, tls_);
    return false;
  }

 private:
  Site& site_;
  Refusals& refusals_;
  const TlsContext* tls_;
};

class Connections final : public Poco::Net::TCPServerConnectionFactory {
 public:
  Connections(Site& site, const TlsContext* tls) : site_(site), tls_(tls) {}

  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new Connection(socket, site_, tls_);  // Poco deletes it
  }

 private:
  Site& site_;
  const TlsContext* tls_;
};

Poco::Net::ServerSocket bound_socket(const config::Listener& config) {
  try {
    Poco::Net::ServerSocket socket;
    socket.bind(Poco::Net::SocketAddress(config.address, config.port), true, false);
    socket.listen(kBacklog);
    return socket;
  } catch (const Poco::Exception& e) {
    throw std::runtime_error("cannot listen on " + config.address + ":" +
                             std::to_string(config.port) + ": " + e.displayText());
  }
}

int thread_count(const Site& site) {
  return static_cast<int>(std::clamp<std::size_t>(site.limits.max_connections, 2, 100000));
}

}  // namespace

Listener::Listener(const config::Listener& config, Site& site, Refusals& refusals)
    : config_(config),
      socket_(bound_socket(config)),
      port_(socket_.address().port()),
      threads_("http", 1, thread_count(site), kIdleThreadSeconds) {
  if (config.tls) tls_.emplace(*config.tls);
  const TlsContext* tls = tls_ ? &*tls_ : nullptr;
  Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
  params->setMaxThreads(thread_count(site));
  params->setMaxQueued(std::numeric_limits<int>::max());  // the Doorman bounds it
  server_.emplace(new Connections(site, tls), threads_, socket_, params);
  server_->setConnectionFilter(new Doorman(site, refusals, tls));
}

Listener::~Listener() {
  stop_accepting();
  try {
    server_.reset();
    threads_.joinAll();
  } catch (...) {  // Poco's clean-up: nothing to be done about it here
  }
}

void Listener::start() { server_->start(); }

void Listener::stop_accepting() noexcept {
  // Stopping the TCPServer would drop the connections in its queue, which are still to be answered;
  // closing the socket under it would let it poll a stranger's descriptor. Linux takes a shutdown
  // of a listening socket as the end of listening.
  ::shutdown(socket_.impl()->sockfd(), SHUT_RDWR);
}

std::string Listener::url() const {
  const bool ipv6 = config_.address.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + config_.address + "]" : config_.address;
  return (config_.tls ? "https://" : "http://") + host + ":" + std::to_string(port_);
}

}  // namespace kms::http
