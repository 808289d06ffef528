#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace kms::test {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!command.environment.contains(std::string(text.substr(0, text.find('='))))) {
      result.emplace_back(text);
    }
  }
  for (const auto& [name, value] : command.environment) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return ends;
}

}  // namespace

Process::Process(const Command& command) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_of(command);
  const std::array<int, 2> out = make_pipe();
  const std::array<int, 2> err = make_pipe();

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  if (!command.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  }
  const int error = ::posix_spawnp(&pid_, arguments.at(0).c_str(), &actions, nullptr,
                                   pointers_to(arguments).data(), pointers_to(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  if (error != 0) {
    ::close(out[0]);
    ::close(err[0]);
    throw std::system_error(error, std::generic_category(), "posix_spawnp " + arguments.at(0));
  }
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  output_.reader = std::thread([fd = out[0], this] { read_all(fd, output_); });
  error_output_.reader = std::thread([fd = err[0], this] { read_all(fd, error_output_); });
}

Process::~Process() {
  try {
    if (!status_) terminate();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "process %d: %s\n", pid_, error.what());
  }
  output_.reader.join();
  error_output_.reader.join();
  ::close(pidfd_);
}

void Process::read_all(int fd, Stream& stream) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    const pkcs11::MutexLock lock(stream.mutex);
    stream.ended = size <= 0;
    if (size > 0) stream.text.append(buffer.data(), static_cast<std::size_t>(size));
    stream.changed.notify_all();
    if (stream.ended) break;
  }
  ::close(fd);
}

std::optional<std::string> Process::wait_for(const Stream& stream,
                                             const std::function<bool(std::string_view)>& wanted,
                                             std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::size_t begin = 0;
  pkcs11::MutexLock lock(stream.mutex);
  for (;;) {
    for (std::size_t end = 0; (end = stream.text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      std::string line = stream.text.substr(begin, end - begin);
      if (wanted(line)) return line;
    }
    if (stream.ended || Clock::now() >= deadline) return std::nullopt;
    lock.wait_until(stream.changed, deadline);
  }
}

std::optional<std::string> Process::wait_for_line(
    const std::function<bool(std::string_view)>& wanted, std::chrono::milliseconds timeout) const {
  return wait_for(output_, wanted, timeout);
}

std::optional<std::string> Process::wait_for_error_line(
    const std::function<bool(std::string_view)>& wanted, std::chrono::milliseconds timeout) const {
  return wait_for(error_output_, wanted, timeout);
}

void Process::signal(int number) const {
  // After wait() has reaped it the id may belong to somebody else.
  if (!status_) ::kill(pid_, number);
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  if (status_) return status_;
  const auto deadline = Clock::now() + timeout;
  pollfd ended{.fd = pidfd_, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    ready = ::poll(&ended, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) {
    throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

int Process::terminate(std::chrono::milliseconds grace) {
  signal(SIGTERM);
  if (const auto status = wait(grace)) return *status;
  return kill();
}

int Process::kill() {
  signal(SIGKILL);
  return wait(std::chrono::hours(1)).value();
}

std::string Process::text_of(const Stream& stream) {
  const pkcs11::MutexLock lock(stream.mutex);
  return stream.text;
}

std::string Process::output() const { return text_of(output_); }
std::string Process::error_output() const { return text_of(error_output_); }

Result run(const Command& command, std::chrono::milliseconds timeout) {
  Process process(command);
  // The end of both outputs first: then all that was written has been read.
  const auto deadline = Clock::now() + timeout;
  const auto left = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  };
  const auto nothing = [](std::string_view) { return false; };
  process.wait_for_line(nothing, left());
  process.wait_for_error_line(nothing, left());
  const std::optional<int> status = process.wait(left());
  if (!status) throw std::runtime_error("still running: " + command.arguments.at(0));
  return {*status, process.output(), process.error_output()};
}

Result run_ok(const Command& command, std::chrono::milliseconds timeout) {
  Result result = run(command, timeout);
  if (result.status != 0) {
    throw std::runtime_error(command.arguments.at(0) + " ended with " +
                             std::to_string(result.status) + ": " + result.output +
                             result.error_output);
  }
  return result;
}

}  // namespace kms::test
