#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/process.h"
#include "tests/support/signer.h"
#include "tests/support/temp_dir.h"

namespace kms::bench {

/// Processor time that the process has had.
[[nodiscard]] double cpu_seconds(pid_t pid);

/// A kms-connectord of the release build with the development configuration, made by scripts/run.
class Daemon final {
 public:
  /// What differs from the development configuration.
  struct Options {
    std::string module{};      // "": SoftHSM
    std::size_t sessions = 0;  // of us-east-1's token; 0: the default
    std::map<std::string, std::string> environment{};
  };
  explicit Daemon(Options options);

  /// Starts it; the time until its `ready` line.
  std::chrono::duration<double> start();
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// A signed request, as bytes on the wire; good for some minutes.
  [[nodiscard]] std::string request(std::string_view operation, std::string_view body,
                                    const test::Credentials& caller = test::admin());
  /// Calls it over a connection of its own; throws unless the answer is 200.
  std::string call(std::string_view operation, std::string_view body);
  /// The ARN of a new key, a symmetric one if CreateKey is asked for nothing else.
  std::string create_key(std::string_view body = "{}");
  [[nodiscard]] double resident_mebibytes() const;
  [[nodiscard]] double cpu_seconds() const { return bench::cpu_seconds(process_->pid()); }

 private:
  test::TempDir dir_;
  Options options_;
  std::filesystem::path state_;
  std::unique_ptr<test::Process> process_;
  std::uint16_t port_ = 0;
  std::string authority_;
};

/// A string member of a flat JSON object without escapes.
[[nodiscard]] std::string member(std::string_view json, std::string_view name);

}  // namespace kms::bench
