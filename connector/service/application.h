#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "connector/auth/identities.h"
#include "connector/keystores/key_stores.h"
#include "connector/service/service.h"

namespace kms::service {

/// The composition root: from a configuration to a Service with its store, tokens, audit and jobs.
/// Destroying it stops the jobs, drains, closes the tokens and unloads the modules, in this order;
/// do so inside main.
class Application {
 public:
  /// `observer` may be null; it outlives the application. The configuration must outlive it too.
  /// Throws config::Error for a fault of a policy.
  Application(const config::Config& config, Observer* observer);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  [[nodiscard]] Service& service() noexcept;
  [[nodiscard]] std::vector<keystores::TokenStatus> token_status() const;
  /// Every Region's token is open and every custom key store that should be connected is: /readyz.
  [[nodiscard]] bool ready() const;
  /// Writes what waits in memory or in the outbox, as the end of the application does, for the case
  /// that the process does not come so far.
  void write_out();
  /// Those of a configuration read anew, for requests that begin from now on.
  void replace_identities(std::shared_ptr<const auth::Identities> identities);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::service
