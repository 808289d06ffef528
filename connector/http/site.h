#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <semaphore>
#include <string_view>

#include "connector/api/request.h"
#include "connector/api/response.h"
#include "connector/base/bytes.h"
#include "connector/service/metrics.h"

namespace kms::http {

using Handler = std::function<api::Response(api::Request&)>;

/// A file descriptor that becomes readable once, for all who poll it, and stays so.
class Signal final {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  Signal(Signal&&) = delete;
  Signal& operator=(Signal&&) = delete;

  void raise() noexcept;
  [[nodiscard]] bool raised() const noexcept { return raised_.load(); }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
  std::atomic<bool> raised_ = false;
};

/// What all connections to one handler share, over whichever listener they came.
class Site final {
 public:
  struct Limits {
    std::size_t max_body_bytes;
    std::size_t max_connections;
    std::size_t queued_connections;
    std::chrono::milliseconds header_timeout;
    std::chrono::milliseconds idle_timeout;
  };
  /// `metrics` may be null.
  Site(Handler handler, const Limits& limits, service::Metrics* metrics);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  Site(Site&&) = delete;
  Site& operator=(Site&&) = delete;

  /// Counts a connection in, unless as many are open as may be served and queued.
  [[nodiscard]] bool admit() noexcept;
  /// A connection that was counted in is closed.
  void leave() noexcept;
  [[nodiscard]] std::size_t open() const noexcept { return open_.load(); }
  /// More connections are open than are served at once: somebody waits, for whom an idle connection
  /// is to make room.
  [[nodiscard]] bool crowded() const noexcept { return open() > limits.max_connections; }
  /// Readable while an idle connection is wanted to end.
  [[nodiscard]] int wanted_fd() const noexcept { return wanted_fd_; }
  /// Whether it is this one, of those that saw it readable.
  [[nodiscard]] bool is_wanted() noexcept;
  /// Waits until no connection is open; false when the time is over.
  [[nodiscard]] bool wait_until_empty(std::chrono::steady_clock::time_point deadline) const;
  void count_refusal(std::string_view reason) const noexcept;

  const Handler handler;
  const Limits limits;
  /// One for each connection served at once.
  std::counting_semaphore<> slots;
  /// Idle connections end, the others after their request.
  Signal draining;
  /// All waiting for the peer ends.
  Signal aborted;

 private:
  service::Metrics* metrics_;
  int wanted_fd_;
  mutable Mutex mutex_;
  mutable std::condition_variable emptied_;
  std::atomic<std::size_t> open_ = 0;  // changed under the mutex only
};

}  // namespace kms::http
