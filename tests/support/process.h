#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pkcs11/mutex.h"

namespace kms::test {

/// What to run: the program is looked up in PATH; `environment` is added to ours (an empty optional
/// removes a variable).
struct Command {
  std::vector<std::string> arguments;
  std::map<std::string, std::optional<std::string>> environment{};
  std::string directory{};
};

/// A child process whose standard output and error are read as they come. Ended with SIGTERM, then
/// SIGKILL, when the object goes away.
class Process final {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Waits for a complete line of standard output (without its newline) that satisfies the
  /// predicate, looking at those already read first; nullopt when the time is over or the output
  /// has ended.
  std::optional<std::string> wait_for_line(const std::function<bool(std::string_view)>& wanted,
                                           std::chrono::milliseconds timeout) const;
  /// The same for standard error.
  std::optional<std::string> wait_for_error_line(
      const std::function<bool(std::string_view)>& wanted, std::chrono::milliseconds timeout) const;

  void signal(int number) const;
  /// The exit status, or 128 + the signal's number; nullopt if it still runs when the time is over.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  /// SIGTERM, after `grace` SIGKILL; the status as wait() tells it.
  int terminate(std::chrono::milliseconds grace = std::chrono::seconds(10));
  /// SIGKILL at once.
  int kill();

  /// All that came so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string error_output() const;

 private:
  struct Stream {
    mutable pkcs11::Mutex mutex;
    mutable std::condition_variable changed;
    std::string text KMS_GUARDED_BY(mutex);
    bool ended KMS_GUARDED_BY(mutex) = false;
    std::thread reader;
  };
  static void read_all(int fd, Stream& stream);
  static std::string text_of(const Stream& stream);
  static std::optional<std::string> wait_for(const Stream& stream,
                                             const std::function<bool(std::string_view)>& wanted,
                                             std::chrono::milliseconds timeout);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> status_;
  Stream output_;
  Stream error_output_;
};

struct Result {
  int status = 0;
  std::string output;
  std::string error_output;
};

/// Runs to the end; throws if that takes longer than `timeout`.
Result run(const Command& command, std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// run(), and throws with the output unless the exit status is 0.
Result run_ok(const Command& command, std::chrono::milliseconds timeout = std::chrono::seconds(60));

}  // namespace kms::test
