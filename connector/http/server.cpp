#include "connector/http/server.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "connector/base/log.h"
#include "connector/http/admin.h"
#include "connector/http/listener.h"
#include "connector/http/refusals.h"
#include "connector/http/site.h"

namespace kms::http {
namespace {

Site::Limits api_limits(const config::Limits& limits) {
  return {.max_body_bytes = limits.max_body_bytes,
          .max_connections = std::max<std::size_t>(limits.max_connections, 1),
          .queued_connections = limits.queued_connections,
          .header_timeout = limits.header_timeout,
          .idle_timeout = limits.idle_timeout};
}

// A few threads of its own, so that no load on the API keeps an operator from looking.
Site::Limits admin_limits(const config::Limits& limits) {
  return {.max_body_bytes = 0,
          .max_connections = 8,
          .queued_connections = 8,
          .header_timeout = std::min(limits.header_timeout, std::chrono::milliseconds(5000)),
          .idle_timeout = std::min(limits.idle_timeout, std::chrono::milliseconds(30000))};
}

}  // namespace

struct Server::Impl {
  Impl(const config::Config& config, Handler handler, Admin the_admin)
      : admin(std::move(the_admin)),
        drain_timeout(config.limits.drain_timeout),
        api_site(std::move(handler), api_limits(config.limits), admin.metrics),
        admin_site([this](api::Request& request) { return answer_as_admin(request); },
                   admin_limits(config.limits), nullptr) {
    // OpenSSL writes to sockets without MSG_NOSIGNAL; a peer that went away must not end the
    // process.
    std::signal(SIGPIPE, SIG_IGN);
    for (const config::Listener& listener : config.listeners) {
      listeners.push_back(std::make_unique<Listener>(listener, api_site, refusals));
    }
    admin_listener = std::make_unique<Listener>(config.admin, admin_site, refusals);
  }

  ~Impl() {
    for (const auto& listener : listeners) listener->stop_accepting();
    admin_listener->stop_accepting();
    for (Site* site : {&api_site, &admin_site}) {
      site->draining.raise();
      site->aborted.raise();
    }
  }

  api::Response answer_as_admin(const api::Request& request) {
    if (admin.metrics != nullptr) admin.metrics->set_connections(api_site.open());
    return answer_admin(admin, request);
  }

  Admin admin;
  std::chrono::milliseconds drain_timeout;
  Site api_site;
  Site admin_site;
  Refusals refusals;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::unique_ptr<Listener> admin_listener;
};

Server::Server(const config::Config& config, Handler handler, Admin admin)
    : impl_(std::make_unique<Impl>(config, std::move(handler), std::move(admin))) {}

Server::~Server() = default;

void Server::start() {
  for (const auto& listener : impl_->listeners) listener->start();
  impl_->admin_listener->start();
}

void Server::drain() {
  for (const auto& listener : impl_->listeners) listener->stop_accepting();
  impl_->api_site.draining.raise();
  const auto deadline = std::chrono::steady_clock::now() + impl_->drain_timeout;
  if (!impl_->api_site.wait_until_empty(deadline)) {
    log(LogLevel::warning, "http",
        std::to_string(impl_->api_site.open()) + " connections outlasted the drain time-out");
  }
}

std::vector<std::string> Server::urls() const {
  std::vector<std::string> urls;
  for (const auto& listener : impl_->listeners) urls.push_back(listener->url());
  return urls;
}

std::uint16_t Server::admin_port() const { return impl_->admin_listener->port(); }

}  // namespace kms::http
