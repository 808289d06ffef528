#pragma once

#include <csignal>

namespace kms {

/// Takes SIGTERM and SIGINT, which end the process, and SIGHUP, which has it read its configuration
/// again, and ignores SIGPIPE. Make it before any
/// thread: each inherits the mask.
class Signals final {
 public:
  Signals();
  /// Waits for one of them; its number.
  [[nodiscard]] int wait() const;

 private:
  sigset_t set_;
};

}  // namespace kms
