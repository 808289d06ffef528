#include "connector/main/daemon.h"

#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <string_view>

#include "connector/base/log.h"
#include "connector/http/server.h"
#include "connector/main/last_resort.h"
#include "connector/main/notify.h"
#include "connector/main/reload.h"
#include "connector/service/application.h"
#include "connector/service/metrics.h"

namespace kms {
namespace {

constexpr std::string_view kSource = "main";
// For jobs and recoveries under way. One that waits longer for a sick token is cut off, which
// leaves no more behind than a crash: the next start sees to it.
constexpr std::chrono::seconds kLastGrace{5};

void announce(const config::Config& config, const http::Server& server) {
  const std::vector<std::string> urls = server.urls();
  for (const std::string& url : urls) log(LogLevel::info, kSource, "listening on " + url);
  log(LogLevel::info, kSource,
      "admin listener on " + config.admin.address + " port " + std::to_string(server.admin_port()));
  std::cout << "ready " << urls.front() << std::endl;
  if (!notify_supervisor("READY=1"))
    log(LogLevel::warning, kSource, "the supervisor cannot be told of the start");
}

void tell_sick_tokens(const service::Application& application) {
  for (const keystores::TokenStatus& token : application.token_status()) {
    if (token.ready) continue;
    log(LogLevel::warning, kSource, token.name + " is not well: " + token.detail);
  }
}

}  // namespace

void serve(const config::Config& config, const std::string& file, config::Environment& environment,
           const Signals& signals) {
  LastResort last_resort;  // ends after what it is for
  service::Metrics metrics;
  service::Application application(config, &metrics);
  http::Server server(
      config, application.service(),
      http::Admin{.tokens = [&] { return application.token_status(); }, .metrics = &metrics});
  server.start();
  announce(config, server);

  int number = signals.wait();
  for (; number == SIGHUP; number = signals.wait()) {
    metrics.reloaded(reload_identities(file, environment, config, application));
  }
  log(LogLevel::info, kSource, "stopping on signal " + std::to_string(number));
  static_cast<void>(notify_supervisor("STOPPING=1"));
  server.drain();
  last_resort.arm(config.limits.drain_timeout + kLastGrace);
  tell_sick_tokens(application);
  application.write_out();
}

}  // namespace kms
