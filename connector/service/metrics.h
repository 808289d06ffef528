#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connector/keystores/key_stores.h"
#include "connector/service/service.h"

namespace kms::service {

/// Counts what happens, for Prometheus (text format 0.0.4).
class Metrics final : public Observer {
 public:
  Metrics();
  ~Metrics() override;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void finished(std::string_view operation, std::string_view code,
                double seconds) noexcept override;
  /// A connection refused because the server was full, a request refused by a limit: `reason` is
  /// one of a few words.
  void refused(std::string_view reason) noexcept;
  /// SIGHUP was answered: the configuration was taken or not.
  void reloaded(bool taken) noexcept;
  void set_connections(std::size_t open) noexcept;
  void set_tokens(const std::vector<keystores::TokenStatus>& tokens);
  [[nodiscard]] std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::service
