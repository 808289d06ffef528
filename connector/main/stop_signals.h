#pragma once

#include <csignal>

namespace kms {

/// Takes SIGTERM, SIGINT and SIGHUP for this process, and ignores SIGPIPE. Make it before any
/// thread: each inherits the mask.
class StopSignals final {
 public:
  StopSignals();
  /// Waits for one of them; its number.
  [[nodiscard]] int wait() const;

 private:
  sigset_t set_;
};

}  // namespace kms
