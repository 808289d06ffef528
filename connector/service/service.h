#pragma once

#include <memory>
#include <string_view>

#include "connector/api/request.h"
#include "connector/api/response.h"

namespace kms::service {

/// Told of each finished request; implemented by the metrics.
class Observer {
 public:
  virtual ~Observer() = default;
  /// `operation`: the API's name or "unknown"; `code`: the error's wire name or "OK".
  virtual void finished(std::string_view operation, std::string_view code,
                        double seconds) noexcept = 0;
};

struct Dependencies;  // connector/service/dependencies.h

/// The whole pipeline of one request, without any socket: tests, benchmarks and fuzzers call this.
class Service {
 public:
  explicit Service(const Dependencies& dependencies);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Always answers; what cannot be answered better is KMSInternalException. Thread-safe. The body
  /// is decoded in place.
  [[nodiscard]] api::Response handle(api::Request& request) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::service
