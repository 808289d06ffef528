#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/daemon_process.h"
#include "tests/support/process.h"
#include "tests/support/softhsm.h"
#include "tests/support/temp_dir.h"

namespace kms {
namespace {

using test::Command;
using test::Process;
using test::Result;

constexpr std::chrono::seconds kPatience{60};

Result connectord(const std::vector<std::string>& arguments) {
  std::vector<std::string> line{KMS_CONNECTORD};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return test::run({.arguments = line});
}

bool is_ready_line(std::string_view line) { return line.starts_with("ready "); }

/// A SoftHSM with one Region's token, and a configuration for it.
class Daemon : public testing::Test {
 protected:
  Daemon() {
    softhsm_.add_token("us-east-1");
    write("pin", test::SoftHsm::kUserPin);
    write("config.yaml", kConfig);
  }
  void write(const std::string& name, const std::string& text) const {
    const auto file = softhsm_.path() / name;
    std::ofstream(file) << text;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  [[nodiscard]] std::string config_file() const {
    return (softhsm_.path() / "config.yaml").string();
  }

  const std::string kConfig =
      "accounts: [\"123456789012\"]\n"
      "storage: {sqlite: kms.sqlite}\n"
      "audit: {file: audit.jsonl}\n"
      "listeners: [{port: 0}]\n"
      "admin: {port: 0}\n"
      "regions:\n"
      "  us-east-1:\n"
      "    token: {module: " +
      test::SoftHsm::module_path() +
      ", label: us-east-1}\n"
      "    pin: {file: pin}\n";
  test::SoftHsm softhsm_;
};

TEST(CommandLine, TellsVersionAndHelp) {
  const Result version = connectord({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.output, testing::MatchesRegex("kms-connectord [0-9.]+\n"));
  const Result help = connectord({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, testing::HasSubstr("kms-connectord --config FILE"));
}

TEST(CommandLine, RefusesWithStatus2) {
  const Result result = connectord({"--frobnicate"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.error_output,
              testing::StartsWith("kms-connectord: no such option: --frobnicate\n"));
}

TEST_F(Daemon, ChecksAConfiguration) {
  const Result good = connectord({"--check-config", "--config", config_file()});
  EXPECT_EQ(good.status, 0) << good.error_output;
  EXPECT_EQ(good.output, "");
  EXPECT_EQ(good.error_output, "");
  write("config.yaml", kConfig + "log_level: loud\n");
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--check-config", "--config", config_file()},
                                             {"--print-config", "--config", config_file()},
                                             {"--config", config_file()}}) {
    const Result bad = connectord(arguments);
    EXPECT_EQ(bad.status, 2);
    EXPECT_EQ(bad.output, "");
    EXPECT_EQ(bad.error_output,
              config_file() + ":10:12: log_level: expected debug, info, warning or error\n");
  }
}

TEST_F(Daemon, ChecksThePolicies) {
  write("config.yaml", kConfig + R"(principals:
  "arn:aws:iam::123456789012:user/x":
    policy:
      - {Effect: Allow, Action: "kms:*", Resource: "*"}
      - {Effect: Perhaps, Action: "kms:*", Resource: "*"}
)");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--check-config", "--config", config_file()}, {"--config", config_file()}}) {
    const Result bad = connectord(arguments);
    EXPECT_EQ(bad.status, 2);
    EXPECT_EQ(bad.output, "");
    EXPECT_THAT(bad.error_output,
                testing::HasSubstr(config_file() +
                                   ":14:18: principals.arn:aws:iam::123456789012:user/x.policy[1]"
                                   ".Effect: "));
  }
}

TEST_F(Daemon, PrintsAConfigurationWithoutItsSecrets) {
  const Result printed = connectord({"--print-config", "--config", config_file()});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.output, testing::HasSubstr("    pin: \"***\"  # {file: "));
  EXPECT_THAT(printed.output, testing::Not(testing::HasSubstr(test::SoftHsm::kUserPin)));
}

TEST_F(Daemon, SaysReadyAndEndsCleanly) {
  for (const int number : {SIGTERM, SIGINT}) {
    Process process({.arguments = {KMS_CONNECTORD, "--config", config_file()}});
    const auto ready = process.wait_for_line(is_ready_line, kPatience);
    ASSERT_TRUE(ready) << process.error_output();
    EXPECT_THAT(*ready, testing::MatchesRegex("ready http://127\\.0\\.0\\.1:[0-9]+"));
    process.signal(number);
    EXPECT_EQ(process.wait(kPatience), 0) << process.error_output();
    EXPECT_EQ(process.output(), *ready + "\n");
  }
}

TEST_F(Daemon, LetsItsThreadsFinish) {
  Process process({.arguments = {KMS_CONNECTORD, "--config", config_file()}});
  ASSERT_TRUE(process.wait_for_line(is_ready_line, kPatience)) << process.error_output();
  const std::string tasks = "/proc/" + std::to_string(process.pid()) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    const int number = std::stoi(task.path().filename());
    EXPECT_EQ(::sched_getscheduler(number), SCHED_BATCH) << number;
  }
}

TEST_F(Daemon, TellsItsSupervisor) {
  const std::string name = (softhsm_.path() / "notify").string();
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, name.data(), name.size());
  ASSERT_EQ(
      ::bind(fd, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof(address)),
      0);
  const auto receive = [fd] {
    std::array<char, 64> buffer{};
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    return std::string(buffer.data(), static_cast<std::size_t>(size));
  };
  Process process({.arguments = {KMS_CONNECTORD, "--config", config_file()},
                   .environment = {{"NOTIFY_SOCKET", name}}});
  ASSERT_TRUE(process.wait_for_line(is_ready_line, kPatience)) << process.error_output();
  EXPECT_EQ(receive(), "READY=1");
  EXPECT_EQ(process.terminate(), 0);
  EXPECT_EQ(receive(), "STOPPING=1");
  ::close(fd);
}

TEST_F(Daemon, SaysWhichAddressItCannotHave) {
  Process first({.arguments = {KMS_CONNECTORD, "--config", config_file()}});
  const auto ready = first.wait_for_line(is_ready_line, kPatience);
  ASSERT_TRUE(ready) << first.error_output();
  const std::string port = ready->substr(ready->rfind(':') + 1);
  std::filesystem::create_directory(softhsm_.path() / "other");
  std::string text = kConfig;
  text.replace(text.find("[{port: 0}]"), 11, "[{port: " + port + "}]");
  text.replace(text.find("kms.sqlite"), 10, "other/kms.sqlite");
  write("config2.yaml", text);
  const Result second = connectord({"--config", (softhsm_.path() / "config2.yaml").string()});
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.output, "");
  EXPECT_THAT(second.error_output, testing::HasSubstr("127.0.0.1:" + port));
}

TEST_F(Daemon, ListensAlsoWhileATokenIsAbsent) {
  softhsm_.delete_token("us-east-1");
  Process process({.arguments = {KMS_CONNECTORD, "--config", config_file()}});
  EXPECT_TRUE(process.wait_for_line(is_ready_line, kPatience)) << process.error_output();
  EXPECT_EQ(process.terminate(), 0);
}

/// ThreadSanitizer's options in force, without the report of threads that are never joined: the
/// last resort leaves some.
std::string tsan_options() {
  const char* const given = std::getenv("TSAN_OPTIONS");
  return (given != nullptr ? given + std::string(":") : std::string()) + "report_thread_leaks=0";
}

/// A daemon whose token's calls can be made to hang.
class HangingToken : public testing::Test {
 protected:
  HangingToken() { daemon_.start(); }
  /// Has the proxy obey; what it has counted since.
  std::string command(const std::string& commands) {
    const auto counters = dir_.path() / ("counters" + std::to_string(++commands_));
    std::filesystem::rename(dir_.write("next", commands + "counters " + counters.string() + "\n"),
                            file_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!std::filesystem::exists(counters)) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error(daemon_.process().error_output());
      }
      std::this_thread::yield();
    }
    return "\n" + test::read_file(counters);
  }
  bool hangs(const std::string& function) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (command("").find("\n" + function + " 1 0\n") == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }
  int admin_status(const char* path) {
    const auto reply = test::ApiClient(daemon_.admin_port()).get(path);
    return reply ? reply->status : 0;
  }

  const test::TempDir dir_;
  const std::filesystem::path file_ = dir_.write("commands", "");
  int commands_ = 0;
  test::DaemonProcess daemon_{
      KMS_CONNECTORD,
      {.module = test::SoftHsm::proxy_path(),
       .environment = {{"KMS_PROXY_CONTROL", file_.string()}, {"TSAN_OPTIONS", tsan_options()}},
       .limits = "header_timeout: 60s, request_deadline: 60s, drain_timeout: 100ms"}};
};

TEST_F(HangingToken, KeepsNobodyFromLookingAtTheDaemon) {
  (void)command("hang C_GetSessionInfo times forever\n");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(admin_status("/readyz"), 503);
  EXPECT_EQ(admin_status("/healthz"), 200);
  (void)command("release\n");
}

TEST_F(HangingToken, DoesNotKeepTheDaemonFromEnding) {
  const std::string key =
      test::ApiClient(daemon_.port()).ok("CreateKey", "{}").at("/KeyMetadata/KeyId");
  (void)command("zero_counters\nhang C_Encrypt\n");
  std::thread request([&] {
    const auto answer = test::ApiClient(daemon_.port())
                            .call("Encrypt", "{\"KeyId\":\"" + key + R"(","Plaintext":"eA=="})");
    EXPECT_FALSE(answer.has_value());
  });
  EXPECT_TRUE(hangs("C_Encrypt"));
  daemon_.process().signal(SIGTERM);
  EXPECT_EQ(daemon_.process().wait(kPatience), 3);
  request.join();
  EXPECT_THAT(daemon_.process().error_output(),
              testing::HasSubstr("a call into a PKCS#11 module has not returned: the process ends "
                                 "without it"));
}

}  // namespace
}  // namespace kms
