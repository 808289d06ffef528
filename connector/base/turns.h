#pragma once

#include <chrono>
#include <condition_variable>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "connector/base/bytes.h"

namespace kms {

/// One thread at a time for each name. Thread-safe.
class Turns {
 public:
  /// A thread's turn, for as long as it lives; the Turns outlive it.
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : turns_(std::exchange(other.turns_, nullptr)), name_(std::move(other.name_)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(turns_, other.turns_);
      std::swap(name_, other.name_);
      return *this;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->end(name_);
    }

   private:
    friend class Turns;
    Turn(Turns& turns, std::string name) : turns_(&turns), name_(std::move(name)) {}

    Turns* turns_;
    std::string name_;
  };

  /// nullopt: it was still another thread's turn at the deadline.
  [[nodiscard]] std::optional<Turn> wait(const std::string& name,
                                         std::chrono::steady_clock::time_point deadline);

 private:
  void end(const std::string& name);

  Mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> taken_ KMS_GUARDED_BY(mutex_);
};

}  // namespace kms
