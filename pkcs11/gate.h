#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>

#include "pkcs11/mutex.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// What operations pass through, many at a time, and recovery closes. Writers first: from the
/// moment one waits nobody else passes (glibc's reader-preferring std::shared_mutex kept recovery
/// waiting for seconds). Passing an open gate is one atomic increment. All waits end at a deadline
/// with Error{deadline_exceeded}.
class KMS_CAPABILITY("gate") Gate final {
 public:
  void pass_until(Deadline deadline) KMS_ACQUIRE_SHARED();
  void leave() KMS_RELEASE_SHARED();
  void close_until(Deadline deadline) KMS_ACQUIRE();
  void open() KMS_RELEASE();
  /// From bar() to unbar() nobody passes, as if a writer waited; writers come and go.
  void bar() noexcept;
  void unbar() noexcept;

 private:
  static constexpr std::uint64_t kClosing = std::uint64_t{1} << 63;

  /// Of a writer.
  void come() KMS_REQUIRES(mutex_);
  void go() KMS_REQUIRES(mutex_);

  /// Readers inside, and kClosing as long as a writer waits or holds.
  std::atomic<std::uint64_t> state_{0};
  Mutex mutex_;
  std::condition_variable opened_;
  std::condition_variable emptied_;
  unsigned writers_ KMS_GUARDED_BY(mutex_) = 0;  // waiting, holding or barring
  bool held_ KMS_GUARDED_BY(mutex_) = false;
};

/// Passes a Gate for a scope.
class KMS_SCOPED_CAPABILITY GatePass final {
 public:
  GatePass(Gate& gate, Deadline deadline) KMS_ACQUIRE_SHARED(gate) : gate_(gate) {
    gate_.pass_until(deadline);
  }
  ~GatePass() KMS_RELEASE_GENERIC() { gate_.leave(); }
  GatePass(const GatePass&) = delete;
  GatePass& operator=(const GatePass&) = delete;
  GatePass(GatePass&&) = delete;
  GatePass& operator=(GatePass&&) = delete;

 private:
  Gate& gate_;
};

/// Bars a Gate for a scope.
class GateBarred final {
 public:
  explicit GateBarred(Gate& gate) noexcept : gate_(gate) { gate_.bar(); }
  ~GateBarred() { gate_.unbar(); }
  GateBarred(const GateBarred&) = delete;
  GateBarred& operator=(const GateBarred&) = delete;
  GateBarred(GateBarred&&) = delete;
  GateBarred& operator=(GateBarred&&) = delete;

 private:
  Gate& gate_;
};

/// Keeps a Gate closed, and whatever it leads to idle, for a scope.
class KMS_SCOPED_CAPABILITY GateClosed final {
 public:
  GateClosed(Gate& gate, Deadline deadline) KMS_ACQUIRE(gate) : gate_(gate) {
    gate_.close_until(deadline);
  }
  ~GateClosed() KMS_RELEASE() { gate_.open(); }
  GateClosed(const GateClosed&) = delete;
  GateClosed& operator=(const GateClosed&) = delete;
  GateClosed(GateClosed&&) = delete;
  GateClosed& operator=(GateClosed&&) = delete;

 private:
  Gate& gate_;
};

}  // namespace pkcs11
