#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace kms::test {

/// Waits until it holds; false if it does not within a minute.
inline bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace kms::test
