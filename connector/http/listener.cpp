#include "connector/http/listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <stdexcept>

#include "connector/base/log.h"
#include "connector/http/connection.h"

namespace kms::http {
namespace {

constexpr int kIdleThreadSeconds = 60;
constexpr int kBacklog = 512;
constexpr std::chrono::milliseconds kPause{20};

class Connections final : public Poco::Net::TCPServerConnectionFactory {
 public:
  Connections(Site& site, const TlsContext* tls, Mutex& handing_over)
      : site_(site), tls_(tls), handing_over_(handing_over) {}

  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    // From here on the socket is this thread's alone, and is closed when its Connection says so.
    const MutexLock handed_over(handing_over_);
    return new Connection(socket, site_, tls_);  // Poco deletes it
  }

 private:
  Site& site_;
  const TlsContext* tls_;
  Mutex& handing_over_;
};

Poco::Net::ServerSocket bound_socket(const config::Listener& config) {
  try {
    Poco::Net::ServerSocket socket;
    socket.bind(Poco::Net::SocketAddress(config.address, config.port), true, false);
    socket.listen(kBacklog);
    socket.setBlocking(false);
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
      site_(site),
      refusals_(refusals),
      socket_(bound_socket(config)),
      port_(socket_.address().port()),
      threads_("http", 1, thread_count(site), kIdleThreadSeconds) {
  if (config.tls) tls_.emplace(*config.tls);
  Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
  params->setMaxThreads(thread_count(site));
  // Poco drops what finds its queue full without a word; the Site bounds the queue.
  params->setMaxQueued(std::numeric_limits<int>::max());
  dispatcher_ = new Poco::Net::TCPServerDispatcher(
      new Connections(site, tls_ ? &*tls_ : nullptr, handing_over_), threads_, params);
}

Listener::~Listener() {
  stop_accepting();
  try {
    dispatcher_->stop();
    threads_.joinAll();
  } catch (...) {  // Poco's clean-up: nothing to be done about it here
  }
}

void Listener::start() {
  accepting_ = std::thread([this] { run(); });
}

void Listener::stop_accepting() noexcept {
  stopping_.raise();
  try {
    if (accepting_.joinable()) accepting_.join();
    socket_.close();
  } catch (...) {  // closed already
  }
}

void Listener::run() {
  std::array<pollfd, 2> polled{pollfd{socket_.impl()->sockfd(), POLLIN, 0},
                               pollfd{stopping_.fd(), POLLIN, 0}};
  while (!stopping_.raised()) {
    ::poll(polled.data(), polled.size(), -1);
    while (accept_one()) {
    }
  }
}

/// False when nobody waits to be accepted.
bool Listener::accept_one() {
  try {
    if (!socket_.poll(Poco::Timespan(), Poco::Net::Socket::SELECT_READ)) return false;
    const MutexLock lock(handing_over_);
    Poco::Net::StreamSocket socket = socket_.acceptConnection();
    socket.setNoDelay(true);
    if (site_.admit()) {
      dispatcher_->enqueue(socket);
    } else {
      site_.count_refusal("connections");
      refusals_.add(socket, tls_ ? &*tls_ : nullptr);
    }
    return true;
  } catch (const std::exception& e) {
    log(LogLevel::warning, "http", std::string("cannot accept a connection: ") + e.what());
    // Out of descriptors, for instance: the connection still waits, and polling would find it at
    // once.
    std::this_thread::sleep_for(kPause);
    return false;
  }
}

std::string Listener::url() const {
  const bool ipv6 = config_.address.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + config_.address + "]" : config_.address;
  return (config_.tls ? "https://" : "http://") + host + ":" + std::to_string(port_);
}

}  // namespace kms::http
