#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "tests/support/free_port.h"
#include "tests/support/process.h"
#include "tests/support/softhsm.h"
#include "tests/support/temp_dir.h"

namespace kms::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string slots() { return run_ok({.arguments = {"softhsm2-util", "--show-slots"}}).output; }

TEST(TempDir, IsRemovedWithAllInIt) {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    const auto file = dir.write("a/b", "text");
    EXPECT_EQ(read_file(file), "text");
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FreePort, CanBeBound) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(free_port());
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

TEST(Process, TellsOutputAndStatus) {
  const Result result = run({.arguments = {"sh", "-c", "echo out; echo $WORD >&2; exit 3"},
                             .environment = {{"WORD", "err"}}});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.error_output, "err\n");
  EXPECT_THROW(run_ok({.arguments = {"false"}}), std::runtime_error);
  EXPECT_THROW(run({.arguments = {"/no/such/program"}}), std::system_error);
}

TEST(Process, RemovesAVariable) {
  ::setenv("KMS_TEST_WORD", "set", 1);
  const Command command{.arguments = {"sh", "-c", "echo ${KMS_TEST_WORD-unset}"},
                        .environment = {{"KMS_TEST_WORD", std::nullopt}}};
  EXPECT_EQ(run_ok(command).output, "unset\n");
  ::unsetenv("KMS_TEST_WORD");
}

TEST(Process, WaitsForALineAndIsTerminated) {
  Process process({.arguments = {"sh", "-c", "echo one; echo ready; exec sleep 1000"}});
  const auto ready = [](std::string_view line) { return line == "ready"; };
  EXPECT_EQ(process.wait_for_line(ready, 10s), "ready");
  EXPECT_EQ(process.wait(0ms), std::nullopt);
  EXPECT_EQ(process.terminate(), 128 + SIGTERM);
}

TEST(Process, IsKilledIfItDoesNotListen) {
  Process process({.arguments = {"sh", "-c", "trap '' TERM; echo ready; while :; do :; done"}});
  ASSERT_TRUE(process.wait_for_line([](std::string_view) { return true; }, 10s));
  EXPECT_EQ(process.terminate(50ms), 128 + SIGKILL);
}

TEST(Process, AWaitForALineEndsWithTheOutput) {
  const Process process({.arguments = {"echo", "one"}});
  EXPECT_EQ(process.wait_for_line([](std::string_view) { return false; }, 10min), std::nullopt);
}

TEST(SoftHsm, MakesAndDeletesTokens) {
  const SoftHsm hsm;
  hsm.add_token("first");
  hsm.add_token("second", "4321");
  EXPECT_THAT(slots(), HasSubstr("first"));
  EXPECT_THAT(slots(), HasSubstr("second"));
  hsm.delete_token("first");
  EXPECT_THAT(slots(), Not(HasSubstr("first")));
}

TEST(SoftHsm, ChangesPins) {
  const SoftHsm hsm;
  hsm.add_token("token", "4321");
  hsm.change_user_pin("token", "4321", "8765");
  EXPECT_THROW(hsm.change_user_pin("token", "4321", "1111"), std::runtime_error);
  hsm.change_user_pin("token", "8765", "4321");
  hsm.reset_token("token", "9999");
  hsm.change_user_pin("token", "9999", "8888");
}

TEST(SoftHsm, KeepsItsEnvironmentToItself) {
  ::unsetenv("SOFTHSM2_CONF");
  {
    const SoftHsm hsm;
    EXPECT_EQ(std::string(std::getenv("SOFTHSM2_CONF")), hsm.configuration());
  }
  EXPECT_EQ(std::getenv("SOFTHSM2_CONF"), nullptr);
}

}  // namespace
}  // namespace kms::test
