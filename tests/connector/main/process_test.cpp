#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "connector/main/hardening.h"
#include "connector/main/notify.h"
#include "connector/main/scheduling.h"
#include "connector/main/signals.h"
#include "tests/support/temp_dir.h"

namespace kms {
namespace {

TEST(Hardening, ForbidsCoreDumpsAndOthersFiles) {
  const mode_t before = ::umask(022);
  static_cast<void>(harden_process(std::size_t{1} << 16));
  rlimit limit{1, 1};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 0U);
  EXPECT_EQ(limit.rlim_max, 0U);
#if !defined(KMS_SANITIZED)
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
  EXPECT_EQ(::umask(before), 077U);
}

/// The policy of a new thread after let_threads_finish() in one that has `before`.
int policy_after(int before) {
  int inherited = -1;
  std::thread([&] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, before, &none), 0);
    let_threads_finish();
    std::thread([&] { inherited = ::sched_getscheduler(0); }).join();
  }).join();
  return inherited;
}

TEST(Scheduling, LetsThreadsFinishUnlessTheOperatorChose) {
  EXPECT_EQ(policy_after(SCHED_OTHER), SCHED_BATCH);
  EXPECT_EQ(policy_after(SCHED_IDLE), SCHED_IDLE);
}

TEST(Signals, AreWaitedForNotDiedOf) {
  const Signals stop;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    // From another thread: each has inherited the mask.
    std::thread([number] { ::kill(::getpid(), number); }).join();
    EXPECT_EQ(stop.wait(), number);
  }
}

TEST(Signals, AreSeenAlsoWhereTheShellIgnoredThem) {
  std::signal(SIGINT, SIG_IGN);
  const Signals stop;
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(stop.wait(), SIGINT);
}

TEST(Signals, APeerThatIsGoneEndsNothing) {
  const Signals stop;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

class Notify : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    if (fd_ >= 0) ::close(fd_);
  }
  void listen(const std::string& name) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(fd_, static_cast<const sockaddr*>(static_cast<const void*>(&address)), size),
              0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  [[nodiscard]] std::string receive() const {
    std::array<char, 64> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(size)};
  }
  int fd_ = -1;
};

TEST_F(Notify, TellsASocketOfTheFileSystem) {
  const test::TempDir dir;
  listen((dir.path() / "notify").string());
  EXPECT_TRUE(notify_supervisor("READY=1"));
  EXPECT_EQ(receive(), "READY=1");
}

TEST_F(Notify, TellsAnAbstractSocket) {
  listen("@kms-notify-test-" + std::to_string(::getpid()));
  EXPECT_TRUE(notify_supervisor("STOPPING=1"));
  EXPECT_EQ(receive(), "STOPPING=1");
}

TEST_F(Notify, IsSilentWithoutASupervisor) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_supervisor("READY=1"));
}

TEST_F(Notify, ReportsASocketThatIsNotThere) {
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  EXPECT_FALSE(notify_supervisor("READY=1"));
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  EXPECT_FALSE(notify_supervisor("READY=1"));
}

}  // namespace
}  // namespace kms
